"""Kinds of IP addresses, and hosts in their one normal form.

The library's ``is_private``, ``is_global`` and ``is_link_local`` are not used: they differ from
one version of Python to the next, and see nothing of an IPv4 address inside an IPv6 address.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from portal.dialing.host import check_host, looks_like_ipv4

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(map(ip_network, texts))


NEVER_ALLOWED = _networks(
    *("0.0.0.0/8", "::/128"),  # unspecified: reaches this machine
    *("169.254.0.0/16", "fe80::/10", "fec0::/10"),  # link-local, site-local
    *("224.0.0.0/4", "ff00::/8"),  # groups of machines
    "240.0.0.0/4",  # reserved, broadcast
    *("100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::254/128"),  # metadata of cloud machines
)
"""What no list can open."""

LOOPBACK = _networks("127.0.0.0/8", "::1/128")

EMBEDDING = _networks("::/96", "::ffff:0:0/96", "64:ff9b::/96", "2002::/16", "2001::/32")
"""Where an IPv6 address stands for IPv4: compatible, mapped, NAT64, 6to4, Teredo."""

_IPV4_LAST = EMBEDDING[:3]
_NOT_COMPATIBLE = frozenset({IPv6Address("::"), IPv6Address("::1")})


def is_in(address: Address, networks: Iterable[Network]) -> bool:
    """Tell whether one of the networks has this address."""
    return any(address in network for network in networks)


def lies_in(network: Network, networks: Iterable[Network]) -> bool:
    """Tell whether one of the networks has all of this one."""
    return any(network[0] in outer and network[-1] in outer for outer in networks)


def embedded(address: Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that an IPv6 address stands for: none, one, or with Teredo two.

    >>> embedded(IPv6Address("64:ff9b::a9fe:a9fe"))
    (IPv4Address('169.254.169.254'),)
    """
    if isinstance(address, IPv4Address) or address in _NOT_COMPATIBLE:
        return ()
    if is_in(address, _IPV4_LAST):
        return (IPv4Address(address.packed[-4:]),)
    if address.sixtofour:
        return (address.sixtofour,)
    return address.teredo or ()


def as_address(host: str) -> Address | None:
    """Return the address if a normal host is one, None if it is a name."""
    return ip_address(host) if ":" in host or looks_like_ipv4(host) else None


def normal_host(host: str) -> str:
    """Return a checked host: a name in lower case without final dot, or a bare address.

    >>> normal_host("PBX.Example."), normal_host("[FD12:0::5]")
    ('pbx.example', 'fd12::5')
    """
    check_host(host)
    name = host.lower().removesuffix(".")
    return str(IPv6Address(name[1:-1])) if name.startswith("[") else name


def with_port(host: str, port: int) -> str:
    """Return host and port as they stand in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
