"""What administrators allow: names, addresses and networks, looked up quickly."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from portal.dialing.host import check_port, split_port
from portal.dialing.target.address import (
    EMBEDDING,
    LOOPBACK,
    NEVER_ALLOWED,
    Address,
    Network,
    as_address,
    lies_in,
    normal_host,
    with_port,
)
from portal.dialing.text import check_line
from portal.dialing.tls import Trust
from portal.errors import N_, DialError

USUAL_PORTS = frozenset({80, 443})
"""What an entry without port opens."""

_USUAL_TRUST = Trust()
_NETWORK = re.compile(r"[0-9A-Fa-f.:]+/[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A host or network that may be contacted; as text in the spelling to keep."""

    host: str | Network
    """A name in lower case without final dot, or a network; an address is a network of one."""
    port: int | None = None

    @property
    def ports(self) -> frozenset[int]:
        """The ports that it opens."""
        return USUAL_PORTS if self.port is None else frozenset({self.port})

    @property
    def is_exact(self) -> bool:
        """Whether it is one address with one port."""
        return self.port is not None and _is_address(self.host)

    @property
    def single_host(self) -> str:
        """The one host that it opens, without brackets; "" if it is a network of several."""
        if isinstance(self.host, str):
            return self.host
        return str(self.host.network_address) if _is_address(self.host) else ""

    @property
    def closeness(self) -> tuple[bool, int, bool]:
        """How closely it names what it opens: name, address, small network, large network.

        Of two that name the same, the one with a port does so more closely.
        """
        length = 0 if isinstance(self.host, str) else self.host.prefixlen
        return isinstance(self.host, str), length, self.port is not None

    def __str__(self) -> str:
        host = self.single_host or str(self.host)
        return host if self.port is None else with_port(host, self.port)


_NO_TRUSTS: Mapping[Entry, Trust] = {}


class AllowList:
    """All that is allowed; never changes, so that threads may share it."""

    def __init__(
        self, entries: Iterable[Entry] = (), trusts: Mapping[Entry, Trust] = _NO_TRUSTS
    ) -> None:
        self._entries = tuple(dict.fromkeys(entries))
        self._trusts = trusts
        self._by_name: dict[str, list[Entry]] = defaultdict(list)
        self._by_prefix: dict[tuple[int, int, int], list[Entry]] = defaultdict(list)
        self._ports_of_addresses: set[int] = set()
        for entry in self._entries:
            if isinstance(entry.host, str):
                self._by_name[entry.host].append(entry)
            else:
                prefix = _prefix(entry.host.network_address, entry.host.prefixlen)
                self._by_prefix[prefix].append(entry)
                self._ports_of_addresses |= entry.ports
        self._lengths = sorted({(version, length) for version, length, _ in self._by_prefix})

    def including(self, entry: Entry) -> "AllowList":
        """Return a list with one entry more."""
        return AllowList([*self._entries, entry], self._trusts)

    def trust(self, entry: Entry) -> Trust:
        """Return what a phone system has to show over https where this entry opens the way."""
        return self._trusts.get(entry, _USUAL_TRUST)

    def naming(self, host: str) -> Sequence[Entry]:
        """Return the entries of this name, whatever their ports."""
        return self._by_name.get(host, ())

    def containing(self, address: Address) -> Sequence[Entry]:
        """Return the entries of this address and of networks around it, whatever their ports."""
        return [
            entry
            for version, length in self._lengths
            if version == address.version
            for entry in self._by_prefix.get(_prefix(address, length), ())
        ]

    def has_addresses_open_on(self, port: int) -> bool:
        """Tell whether there is any address or network that may be contacted on this port."""
        return port in self._ports_of_addresses


def parse_entry(text: object) -> Entry:
    """Return what an administrator enters: a name, address or network, each with optional port.

    >>> str(parse_entry("PBX.example.:8443")), str(parse_entry("[fd12::/32]:80"))
    ('pbx.example:8443', '[fd12::/32]:80')
    """
    line = check_line(text)
    if "://" in line or "@" in line:
        raise _neither_host_nor_network()
    if line.count(":") > 1 and not line.startswith("["):
        host, colon, port = f"[{line}]", "", ""  # IPv6: only brackets can set a port apart
    else:
        host, colon, port = split_port(line)
    allowed = _network(host) if "/" in host else _name_or_address(host)
    if colon:
        check_port(port)
    return Entry(allowed, int(port) if colon else None)


def parse_host(text: str) -> str:
    """Return a host that somebody enters by itself, in its normal form and without brackets.

    >>> parse_host(" FD12:0::5 "), parse_host("PBX.example.")
    ('fd12::5', 'pbx.example')
    """
    line = check_line(text)
    return normal_host(f"[{line}]" if ":" in line and not line.startswith("[") else line)


def check_entry(entry: Entry) -> None:
    """Refuse to save an entry that would never let a request through."""
    if isinstance(entry.host, str):
        if entry.host == "localhost" or entry.host.endswith(".localhost"):
            raise _own_machine()
    elif lies_in(entry.host, NEVER_ALLOWED):
        raise DialError(
            "address-never-allowed",
            N_("No request is ever sent to %(entry)s: no phone system has such an address."),
            entry=str(entry),
        )
    elif lies_in(entry.host, LOOPBACK):
        if not entry.is_exact:
            raise _own_machine()
    elif lies_in(entry.host, EMBEDDING):
        raise DialError(
            "non-canonical-ip",
            N_("%(entry)s stands for IPv4. Allow the IPv4 address or network instead."),
            entry=str(entry),
        )


def _name_or_address(host: str) -> str | Network:
    normal = normal_host(host)
    return normal if as_address(normal) is None else ip_network(normal)


def _network(text: str) -> Network:
    spelled = text[1:-1] if text.startswith("[") else text
    if not _NETWORK.fullmatch(spelled):
        raise _neither_host_nor_network()
    try:
        network = ip_network(spelled, strict=False)
    except ValueError:
        raise _neither_host_nor_network() from None
    address = ip_address(spelled.partition("/")[0])
    if address != network.network_address:
        raise DialError(
            "non-canonical-ip",
            N_(
                "%(address)s is not the first address of a network of this size. Write "
                "%(network)s for the network or %(address)s for the address."
            ),
            suggestion=str(network),
            network=str(network),
            address=str(address),
        )
    return network


def _neither_host_nor_network() -> DialError:
    return DialError(
        "missing-host",
        N_(
            "This is neither a host nor a network. Write only a host and if needed its port, for "
            "example pbx.example.com:8443, or a network, for example 192.168.10.0/24."
        ),
    )


def _own_machine() -> DialError:
    return DialError(
        "address-never-allowed",
        N_(
            "This is the portal's own computer. If the phone system runs there too, write its "
            "exact address and port, for example 127.0.0.1:8088."
        ),
    )


def _is_address(host: str | Network) -> bool:
    return not isinstance(host, str) and host.prefixlen == host.max_prefixlen


def _prefix(address: Address, length: int) -> tuple[int, int, int]:
    """Return what the addresses of a network have in common."""
    return address.version, length, int(address) >> (address.max_prefixlen - length)
