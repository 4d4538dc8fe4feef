"""Values that may be seen nowhere, and a search for them in whatever form they may hide."""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_ALWAYS_THE_SAME = re.compile(r"[A-Za-z0-9_-]+")
"""What URLs, HTML, JSON and Python all write as it is."""
_LONG_ENOUGH = 10
_LEFT_OUT_BEFORE = (0, 2, 3)
"""How many base64 digits at the start depend on what stands before, by its length modulo 3."""
_LEFT_OUT_AFTER = (0, 3, 2)
"""How many at the end (padding included) depend on what follows, by the length modulo 3."""


def forms(value: str) -> Mapping[str, bytes]:
    """Return how the longest part of a value that says it all may be written, by form."""
    core = max(_ALWAYS_THE_SAME.findall(value), key=len)
    assert len(core) >= _LONG_ENOUGH, "too common to be searched for"
    raw = core.encode()
    return {
        "as it is": raw,
        "percent": "".join(f"%{byte:02X}" for byte in raw).encode(),
        "percent, small": "".join(f"%{byte:02x}" for byte in raw).encode(),
        "hex": raw.hex().encode(),
        **dict(_base64(raw)),
    }


def _base64(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Give the digits that are the same whatever stands before and behind, for each offset."""
    for offset, skipped in enumerate(_LEFT_OUT_BEFORE):
        encoded = base64.b64encode(b"\0" * offset + raw)
        digits = encoded[skipped : len(encoded) - _LEFT_OUT_AFTER[(offset + len(raw)) % 3]]
        yield f"base64 at {offset}", digits
        yield f"base64 for URLs at {offset}", digits.translate(bytes.maketrans(b"+/", b"-_"))


@dataclass
class Search:
    """What was seen where, and whether a canary is among it."""

    canaries: dict[str, str] = field(default_factory=dict, repr=False)
    """The values by what they are."""
    seen: list[tuple[str, bytes]] = field(default_factory=list, repr=False)
    """Where, and what."""

    def see(self, place: str, content: str | bytes) -> None:
        """Take something to be searched."""
        self.seen.append((place, content.encode() if isinstance(content, str) else content))

    def hits(self) -> set[str]:
        """Return each canary that was seen: what it is, where, and in which form."""
        wanted = {name: forms(value) for name, value in self.canaries.items()}
        return {
            f"{name} in {place} ({form})"
            for place, content in self.seen
            for name, written in wanted.items()
            for form, text in written.items()
            if text in content
        }
