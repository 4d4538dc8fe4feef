"""A process of its own that exchanges with phone systems again and again, and how it grows."""

import json
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from portal.dialing.connector import DialRequest, http
from portal.dialing.target import AllowList, check_url, parse_entry
from portal.dialing.transport import Limits

_WORKERS = 8
_WARM_UP = 400
_LIMITS = Limits(
    look_up=2.0,
    connect=3.0,
    retry_pause=0.01,
    answer=10.0,
    exchange=15.0,
    longest_url=4096,
    longest_head=32 * 1024,
    longest_body=64 * 1024,
)


def run(urls: Sequence[str], number: int) -> tuple[int, dict[str, int]]:
    """Open the URLs in turn; return by how many bytes the process grew, and all outcomes.

    So many exchanges are counted, after some with which the process takes what it then keeps.
    """
    command = [sys.executable, "-m", __name__, str(number), *urls]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    growth, outcomes = json.loads(printed)
    return growth, outcomes


def _main(number: int, urls: list[str]) -> None:
    with ThreadPoolExecutor(_WORKERS) as pool:
        list(pool.map(_dial, _in_turn(urls, _WARM_UP)))
        before = _resident()
        outcomes = Counter(pool.map(_dial, _in_turn(urls, number)))
        growth = _resident() - before
    print(f"{growth} bytes more after {number} exchanges: {outcomes}", file=sys.stderr)
    print(json.dumps([growth, outcomes]))


def _in_turn(urls: list[str], number: int) -> list[str]:
    return (urls * (number // len(urls) + 1))[:number]


def _dial(url: str) -> str:
    allow = AllowList([parse_entry(str(check_url(url)))])
    return http.dial(DialRequest(url, allow, _LIMITS), lambda _progress: None).kind


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    _main(int(sys.argv[1]), sys.argv[2:])
