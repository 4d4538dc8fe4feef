"""Hosts and ports as they stand in a URL."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from portal.dialing.text import excerpt
from portal.errors import N_, DialError

LONGEST_HOST = 253
LAST_PORT = 65535

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_PORT = re.compile(r"[0-9]{1,5}")
_NUMERIC_END = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?")


def split_port(authority: str) -> tuple[str, str, str]:
    """Return the host, the colon if there is one, and the port.

    >>> split_port("[fd12::5]:8443")
    ('[fd12::5]', ':', '8443')
    """
    end = authority.find("]") + 1 if authority.startswith("[") else 0
    host, colon, port = authority[end:].partition(":")
    return authority[:end] + host, colon, port


def check_host(host: str, *, position: int | None = None) -> None:
    """Refuse what is not a host; ``position`` is its place in the URL, for the error."""
    if is_host(host):
        return
    if looks_like_ipv4(host):
        raise DialError(
            "non-canonical-ip",
            N_(
                "“%(host)s” is not a complete IP address. Write four numbers from 0 to 255 "
                "without leading zeros, for example 192.168.1.20."
            ),
            position=position,
            host=excerpt(host),
        )
    raise DialError(
        "missing-host",
        N_(
            "“%(host)s” is not a host name or IP address. Write for example pbx.example.com "
            "or 192.168.1.20."
        ),
        position=position,
        host=excerpt(host),
    )


def check_port(port: str, *, position: int | None = None) -> None:
    """Refuse what is not a port from 1 to 65535."""
    if not _PORT.fullmatch(port) or not 1 <= int(port) <= LAST_PORT:
        raise DialError(
            "bad-port",
            N_("“%(port)s” is not a port. A port is a number from 1 to 65535."),
            position=position,
            port=excerpt(port),
        )


def is_host(text: str) -> bool:
    """Tell whether this is a host name, a normal IPv4 address or an IPv6 address in brackets.

    >>> is_host("pbx.example"), is_host("[fd12::5]"), is_host("127.1")
    (True, True, False)
    """
    if text.startswith("["):
        return text.endswith("]") and _is_ipv6(text[1:-1])
    if looks_like_ipv4(text):
        return _is_ipv4(text)
    return len(text) <= LONGEST_HOST and _NAME.fullmatch(text) is not None


def looks_like_ipv4(host: str) -> bool:
    """Tell whether programs may read this as an IPv4 address, in whatever spelling.

    Resolvers take ``127.1``, ``0x7f.1`` and ``2130706433`` for the own machine: a host that
    ends in a number is an address, and then only the normal form will do.
    """
    return _NUMERIC_END.fullmatch(host) is not None


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def _is_ipv6(text: str) -> bool:
    try:
        return IPv6Address(text).scope_id is None
    except AddressValueError:
        return False
