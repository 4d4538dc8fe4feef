"""Which schemes a dial URL may begin with, and who opens it."""

import re
from enum import StrEnum

from portal.dialing.text import check_line, excerpt
from portal.errors import N_, DialError


class OpenMode(StrEnum):
    """Who opens the URL of a call."""

    SERVER = "server"
    CLIENT = "client"
    WINDOW = "window"


WEB_SCHEMES = frozenset({"http", "https"})
"""What our server can open."""

BROWSER_SCHEMES = WEB_SCHEMES | {"tel", "callto", "skype", "sip", "sips"}
"""What browsers may open without an administrator adding it."""

FORBIDDEN_SCHEMES = frozenset(
    {
        # Script and document schemes: they run code or show files with the rights of the page.
        *("javascript", "data", "vbscript", "file", "blob", "about", "view-source", "filesystem"),
        *("jar", "intent"),
        # The browser's own pages, and Windows helpers that were used to run code from a link.
        *("chrome", "chrome-extension", "edge", "moz-extension", "resource"),
        *("ms-msdt", "search-ms"),
    }
)
"""What no administrator can add."""

RESERVED_NAMES = WEB_SCHEMES | {
    *("ws", "wss", "ftp", "ftps", "file", "data", "javascript", "vbscript", "blob", "about"),
    *("view-source", "filesystem", "jar", "gopher", "dict", "ldap", "ldaps", "mailto", "intent"),
}
"""Schemes that no CTI handler may take over."""

_NAME = re.compile(r"[a-z][a-z0-9+.-]{0,31}")
_ENDING = re.compile(r":(?://)?$")


def normal_name(text: str) -> str:
    """Return the name of a scheme or handler in lower case and without ``://``.

    >>> normal_name("Anlage://")
    'anlage'
    """
    return _ENDING.sub("", text).lower()


def is_name(text: str) -> bool:
    """Tell whether this has 1 to 32 letters, digits, + - . and a letter first."""
    return _NAME.fullmatch(text) is not None


def check_scheme(name: str) -> str:
    """Return the normal form of a scheme that an administrator lets browsers open."""
    scheme = normal_name(check_line(name))
    if not is_name(scheme):
        raise DialError(
            "bad-scheme",
            N_(
                "“%(scheme)s” is not a scheme. A scheme begins with a letter; up to 31 letters, "
                "digits or the signs + - . may follow, for example %(example)s."
            ),
            scheme=excerpt(scheme),
            example="msteams",
        )
    _refuse_forbidden(scheme)
    return scheme


def check_mode(
    scheme: str, mode: OpenMode, extra_schemes: frozenset[str], *, may_be_handler: bool
) -> None:
    """Refuse a URL whose scheme cannot be opened in this mode.

    ``may_be_handler`` says that the scheme is written like the name of a CTI handler, with ``://``.
    """
    _refuse_forbidden(scheme)
    known = BROWSER_SCHEMES | extra_schemes
    if scheme in (WEB_SCHEMES if mode is OpenMode.SERVER else known):
        return
    if scheme in known:
        message = N_(
            "“%(scheme)s:” opens a program on the caller's computer. Our server cannot do that, "
            "only the client, that is the browser. Choose “Client-side” or “In a new window”."
        )
    elif may_be_handler and scheme not in RESERVED_NAMES:
        raise DialError(
            "unknown-handler",
            N_(
                "There is no CTI handler “%(scheme)s://”, and no scheme of this name is allowed. "
                "Check the spelling; an administrator can add it."
            ),
            position=0,
            scheme=excerpt(scheme),
        )
    elif mode is OpenMode.SERVER:
        message = N_(
            "Our server cannot open “%(scheme)s:”. Begin the URL with https:// or http://."
        )
    else:
        message = N_(
            "“%(scheme)s:” is not among the schemes that browsers may open here. Begin the URL "
            "with https://, tel: or callto:; an administrator can add this scheme."
        )
    raise DialError("bad-scheme", message, position=0, scheme=excerpt(scheme))


def _refuse_forbidden(scheme: str) -> None:
    if scheme in FORBIDDEN_SCHEMES:
        raise DialError(
            "bad-scheme",
            N_(
                "“%(scheme)s:” can run code or open files on the computer. "
                "It is never possible here."
            ),
            position=0,
            scheme=scheme,
        )
