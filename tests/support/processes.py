"""Programs that tests start: found or reported missing, awaited, ended."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_PORTS = range(21_000, 32_768)
"""Above the ports of the softphone's media, below those that Linux gives to clients."""
PATIENCE = 30.0
"""Seconds a program may take to come up; a machine under load is slow, not broken."""


def require(*programs: str, package: str, folders: str = "") -> str:
    """Return the path of the first of these programs that there is.

    Without any of them the test is skipped, in CI it fails. ``folders`` is a glob of places
    beside PATH, of which the last is looked at first.
    """
    beside = sorted(map(str, Path("/").glob(folders.lstrip("/")))) if folders else []
    path = os.pathsep.join([os.environ.get("PATH", ""), *reversed(beside)])
    for program in programs:
        if found := shutil.which(program, path=path):
            return found
    reason = f"{programs[0]} is missing: apt-get install {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port on 127.0.0.1 that nobody uses now, and no outgoing connection ever gets."""
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket(socket.AF_INET, kind) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_for(happened: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Return as soon as something has happened; fail in words if it does not."""
    deadline = time.monotonic() + patience
    while not happened():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {patience:.0f} s in vain: {what}")
        time.sleep(0.02)


def listens(port: int) -> bool:
    """Whether somebody answers on a TCP port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def drop_to(user: str | None) -> dict[str, Any]:
    """Return the arguments that let a program run as another user, if one is named."""
    return {"user": user, "group": user, "extra_groups": []} if user else {}


@contextlib.contextmanager
def running(
    command: list[str],
    *,
    log: Path,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    user: str | None = None,
    stop_signal: int = 15,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program while the block lasts, its output in ``log``."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            **drop_to(user),
        )
    try:
        yield process
    finally:
        process.send_signal(stop_signal)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
