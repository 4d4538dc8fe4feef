"""Where a URL leads, and whether the allow list lets a request go there."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from portal.dialing.host import check_port, split_port
from portal.dialing.scheme import OpenMode, check_mode
from portal.dialing.target.address import (
    LOOPBACK,
    NEVER_ALLOWED,
    Address,
    as_address,
    embedded,
    is_in,
    normal_host,
    with_port,
)
from portal.dialing.target.allow_list import AllowList, Entry
from portal.dialing.template import LONGEST_URL, Literal, Place, Slot, Template
from portal.dialing.text import check_text, excerpt
from portal.dialing.tls import Trust
from portal.errors import N_, DialError

Resolver = Callable[[str, int], Sequence[str]]
"""Returns all addresses of a name, for a port; raises OSError when that fails."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_FORBIDDEN = re.compile(r"[^!#-;=?-\[\]_a-z~]")
_START = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/?#]*))?")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a URL leads; as text the entry that would allow exactly this."""

    scheme: str
    host: str
    """A name in lower case without final dot, or an address without brackets."""
    port: int

    @property
    def address(self) -> Address | None:
        """The address, if the URL has one instead of a name."""
        return as_address(self.host)

    def __str__(self) -> str:
        return with_port(self.host, self.port)


def check_url(url: object) -> Destination:
    """Return where a URL leads; refuse one that another program might read differently.

    >>> check_url("HTTPS://PBX.example./call?n=1")
    Destination(scheme='https', host='pbx.example', port=443)
    """
    text = check_text(url, limit=LONGEST_URL)
    if match := _FORBIDDEN.search(text):
        raise _misplaced(match[0])
    match = _START.match(text)
    if match is None:
        raise DialError(
            "no-scheme", N_("The URL has no scheme. Begin it with https:// or http://.")
        )
    scheme = match[1].lower()
    check_mode(scheme, OpenMode.SERVER, frozenset(), may_be_handler=False)
    host, port = _host_and_port(match[2] or "")
    return Destination(scheme, host, port or _DEFAULT_PORTS[scheme])


def fixed_destination(template: Template) -> Destination | None:
    """Return where all URLs of a server-side template lead, None if a variable is the host."""
    if any(isinstance(part, Slot) and part.place is Place.HOST for part in template.parts):
        return None
    start = template.parts[0]  # fixed text, beyond the host: no variable can stand before its end
    return check_url(start.text) if isinstance(start, Literal) else None


def check_listed(destination: Destination, allow: AllowList) -> None:
    """Refuse what would not be admitted whatever the addresses of the name; resolves nothing."""
    if address := destination.address:
        _check_address(address, destination, allow)
    elif not allow.has_addresses_open_on(destination.port):
        _check_port(destination, allow.naming(destination.host))


def is_named(destination: Destination, allow: AllowList) -> bool:
    """Tell whether a destination is listed as it stands, whatever addresses its name has."""
    entries = allow.naming(destination.host)
    return destination.address is not None or any(
        destination.port in entry.ports for entry in entries
    )


def admit(destination: Destination, allow: AllowList, resolver: Resolver) -> tuple[Address, ...]:
    """Return the checked addresses to connect to, in the order in which to try them.

    A name passes if it is listed, or if each of its addresses is, for then anybody could write
    the address instead. It is resolved once; one address that may not be contacted is enough
    to refuse the request.
    """
    check_listed(destination, allow)
    if address := destination.address:
        return (address,)
    addresses = _resolved(destination, resolver)
    for address in addresses:
        _check_address(address, destination, allow)
    return addresses


def _host_and_port(authority: str) -> tuple[str, int | None]:
    if "@" in authority:
        raise DialError(
            "userinfo", N_("The URL has a user part in front of “@”. Remove it together with “@”.")
        )
    if "%" in authority:
        raise _misplaced("%")
    host, colon, port = split_port(authority)
    normal = normal_host(host)
    _refuse_embedded(normal)
    if colon:
        check_port(port)
    return normal, int(port) if colon else None


def _refuse_embedded(host: str) -> None:
    address = as_address(host)
    if address and (ipv4 := embedded(address)):
        raise DialError(
            "non-canonical-ip",
            N_("%(address)s stands for the IPv4 address %(ipv4)s. Write that one in the URL."),
            address=host,
            ipv4=str(ipv4[-1]),
        )


def trust_for(destination: Destination, address: Address, allow: AllowList) -> Trust:
    """Return what has to be shown over https at an address that was admitted.

    The entry says so that opens the way and names the phone system most closely: its name, else
    its address, else the smallest network around it.
    """
    entries = [*allow.naming(destination.host)]
    for inner in embedded(address) or (address,):
        entries += allow.containing(inner)
    opening = [entry for entry in entries if destination.port in entry.ports]
    return allow.trust(max(opening, key=lambda entry: entry.closeness))


def _misplaced(character: str) -> DialError:
    return DialError(
        "bad-character" if character.isascii() else "non-ascii",
        N_("“%(character)s” cannot stand in the URL where it does. Remove it."),
        character=excerpt(character),
    )


def _resolved(destination: Destination, resolver: Resolver) -> tuple[Address, ...]:
    try:
        texts = resolver(destination.host, destination.port)
        addresses = tuple(dict.fromkeys(map(ip_address, texts)))
    except (OSError, ValueError):
        addresses = ()
    if not addresses:
        raise DialError(
            "dns-failed",
            N_(
                "No address was found for the name %(host)s. Check its spelling. If it is right, "
                "an administrator has to enter it in the DNS, or to write the address of the "
                "phone system instead and allow that."
            ),
            host=destination.host,
        )
    return addresses


def _check_address(found: Address, destination: Destination, allow: AllowList) -> None:
    for address in embedded(found) or (found,):
        if is_in(address, NEVER_ALLOWED):
            raise _never_allowed(destination, found)
        listed = allow.containing(address)
        if is_in(address, LOOPBACK):
            _check_own_machine(address, destination, listed)
        else:
            _check_port(destination, [*allow.naming(destination.host), *listed])


def _check_own_machine(
    address: Address, destination: Destination, entries: Iterable[Entry]
) -> None:
    """Let only an exact entry open the own machine, where much listens that trusts it."""
    if any(entry.is_exact and entry.port == destination.port for entry in entries):
        return
    raise DialError(
        "address-never-allowed",
        N_(
            "%(target)s is on the portal's own computer. If the phone system runs there too, an "
            "administrator has to allow exactly %(entry)s."
        ),
        target=str(destination),
        entry=with_port(str(address), destination.port),
    )


def _check_port(destination: Destination, entries: Iterable[Entry]) -> None:
    """Refuse a destination unless one of the entries, all of its host, opens its port."""
    ports = {port for entry in entries for port in entry.ports}
    if destination.port in ports:
        return
    if ports:
        raise DialError(
            "port-not-allowed",
            N_(
                "%(host)s may be contacted on other ports only: %(ports)s. An administrator has "
                "to allow %(target)s, or to correct the port in the dial URL."
            ),
            host=destination.host,
            ports=", ".join(map(str, sorted(ports))),
            target=str(destination),
        )
    raise DialError(
        "not-on-allow-list",
        N_("The portal may not contact %(target)s. An administrator has to allow it first."),
        target=str(destination),
    )


def _never_allowed(destination: Destination, address: Address) -> DialError:
    return DialError(
        "address-never-allowed",
        N_(
            "%(target)s leads to the address %(address)s, where no phone system can be. An "
            "administrator has to correct the host in the dial URL or its address in the DNS."
        ),
        target=str(destination),
        address=str(address),
    )
