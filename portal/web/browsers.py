"""Browsers in words, from what they say of themselves."""

from typing import NamedTuple

_NAMES = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "CrOS": "ChromeOS",
    "Windows": "Windows",
    "Macintosh": "macOS",
    "Linux": "Linux",
}
_HANDHELD = ("iPhone", "iPad", "Android")


class Browser(NamedTuple):
    """A browser as its user would call it; empty where it does not say."""

    name: str
    system: str

    def __str__(self) -> str:
        return ", ".join(filter(None, self))

    @property
    def is_handheld(self) -> bool:
        """Whether it is a phone or a tablet."""
        return self.system in _HANDHELD


def recognise(user_agent: str) -> Browser:
    """Return which browser calls itself so; the first mark counts, because they imitate each other.

    >>> str(recognise("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"))
    'Firefox, Linux'
    """
    return Browser(_first(_NAMES, user_agent), _first(_SYSTEMS, user_agent))


def _first(words: dict[str, str], text: str) -> str:
    return next((word for mark, word in words.items() if mark in text), "")
