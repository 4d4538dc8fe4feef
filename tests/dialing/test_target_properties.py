"""The allow list against a second, plainer account of the same rules, tried with much."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from portal.dialing.target import (
    AllowList,
    Destination,
    Entry,
    admit,
    check_entry,
    check_url,
    parse_entry,
)
from portal.errors import DialError
from tests.dialing.strategies import anything, url_text

# --- The rules, in plain numbers ---

BITS = {4: 32, 6: 128}

Number = tuple[int, int]
"""An address: the version of the protocol, and all its bits."""


@dataclass(frozen=True)
class Range:
    version: int
    first: int
    last: int

    def has(self, address: Number) -> bool:
        version, number = address
        return version == self.version and self.first <= number <= self.last


@dataclass(frozen=True)
class Allowed:
    host: str | Range
    port: int | None

    def opens(self, name: str, address: Number, port: int) -> bool:
        covered = self.host == name if isinstance(self.host, str) else self.host.has(address)
        return covered and port in ({80, 443} if self.port is None else {self.port})

    def __str__(self) -> str:
        if isinstance(self.host, str):
            host = self.host
        else:
            length = BITS[self.host.version] - (self.host.last - self.host.first).bit_length()
            host = f"{written((self.host.version, self.host.first))}/{length}"
            host = f"[{host}]" if self.host.version == 6 else host
        return host if self.port is None else f"{host}:{self.port}"


def written(address: Number) -> str:
    version, number = address
    return str(IPv4Address(number) if version == 4 else IPv6Address(number))


def around(address: Number, length: int) -> Range:
    """Return the network of this length that has the address."""
    version, number = address
    size = 1 << max(BITS[version] - length, 0)
    first = number - number % size
    return Range(version, first, first + size - 1)


def network(text: str) -> Range:
    first, _, length = text.partition("/")
    address = ip_address(first)
    return around((address.version, int(address)), int(length))


NEVER = [
    *map(network, ["0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"]),
    *map(network, ["::/128", "fe80::/10", "fec0::/10", "ff00::/8"]),
    *map(network, ["100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::254/128"]),
]
LOOPBACK = [network("127.0.0.0/8"), network("::1/128")]
LAN = [network("192.168.10.0/24"), network("10.0.0.0/8"), network("fd12::/32")]


def judged_by(address: Number) -> list[Number]:
    """Return the addresses that an address stands for, or itself."""
    version, number = address
    last = number & 0xFFFFFFFF
    if version == 6 and number > 1:
        if number >> 32 in {0, 0xFFFF, 0x64FF9B << 64}:
            return [(4, last)]
        if number >> 112 == 0x2002:
            return [(4, number >> 80 & 0xFFFFFFFF)]
        if number >> 96 == 0x20010000:
            return [(4, number >> 64 & 0xFFFFFFFF), (4, last ^ 0xFFFFFFFF)]
    return [address]


def is_never(address: Number) -> bool:
    return any(span.has(judged) for judged in judged_by(address) for span in NEVER)


def passes(name: str, port: int, found: list[Number], allowed: list[Allowed]) -> bool:
    """Tell whether a request may go to a name with these addresses."""
    for address in (judged for one in found for judged in judged_by(one)):
        openers = [entry for entry in allowed if entry.opens(name, address, port)]
        if any(loopback.has(address) for loopback in LOOPBACK):
            openers = [one for one in openers if one.port and one.host == around(address, 128)]
        if not openers or is_never(address):
            return False
    return bool(found)


# --- What is tried ---

EDGES = [
    (span.version, edge)
    for span in [*NEVER, *LOOPBACK, *LAN]
    for end in (span.first, span.last)
    for edge in (end - 1, end, end + 1)
    if 0 <= edge < 1 << BITS[span.version]
]


def inside_ipv6(ipv4: Number, other: int, form: int) -> Number:
    """Return an IPv6 address that stands for an IPv4 address."""
    _, number = ipv4
    forms = [
        number,
        0xFFFF << 32 | number,
        0x64FF9B << 96 | number,
        0x2002 << 112 | number << 80 | other,
        0x20010000 << 96 | number << 64 | other,
        0x20010000 << 96 | other << 64 | number ^ 0xFFFFFFFF,
    ]
    return 6, forms[form]


bits = st.integers(0, 2**32 - 1)
ipv4 = st.sampled_from([edge for edge in EDGES if edge[0] == 4])
addresses = st.one_of(
    st.sampled_from(EDGES),
    st.tuples(st.just(4), st.integers(0, 2**32 - 1)),
    st.tuples(st.just(6), st.integers(0, 2**128 - 1)),
    st.builds(inside_ipv6, ipv4, bits, st.integers(0, 5)),
)
ordinary = st.one_of(
    st.sampled_from([edge for edge in EDGES if judged_by(edge) == [edge] and not is_never(edge)]),
    st.tuples(st.just(4), st.integers(1 << 24, (100 << 24) - 1)),
    st.tuples(st.just(6), st.integers(0x2003 << 112, (0xFD << 120) - 1)),
)
never_of = {
    version: st.sampled_from([span for span in NEVER if span.version == version]).flatmap(
        lambda span: st.tuples(st.just(span.version), st.integers(span.first, span.last))
    )
    for version in BITS
}
never = st.one_of(
    *never_of.values(),
    st.builds(inside_ipv6, never_of[4], bits, st.integers(0, 5)).filter(is_never),
)
names = st.sampled_from(["pbx.lan", "crm.example"])
ports = st.sampled_from([80, 443, 8088])
entry_ports = st.none() | ports
ranges = st.builds(around, addresses, st.sampled_from([0, 8, 16, 24, 31, 32, 64, 96, 128]))
entries = st.builds(Allowed, names | ranges, entry_ports)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Number], list[Allowed]]:
    """Addresses of a name, and entries of which some are about these addresses."""
    found = draw(st.lists(addresses, max_size=3))
    allowed = draw(st.lists(entries, max_size=4))
    for address in (judged for one in found for judged in judged_by(one)):
        near = st.builds(around, st.just(address), st.sampled_from([8, 24, 128]))
        allowed += draw(st.lists(st.builds(Allowed, near, entry_ports), max_size=1))
    return found, allowed


class Dns:
    """Gives these addresses, and counts how often."""

    def __init__(self, found: list[Number]) -> None:
        self._texts = list(map(written, found))
        self.look_ups = 0

    def __call__(self, _host: str, _port: int) -> list[str]:
        self.look_ups += 1
        return self._texts


def list_of(allowed: list[Allowed]) -> AllowList:
    return AllowList(parse_entry(str(entry)) for entry in allowed)


def outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function makes, or its refusal; any other exception is a fault."""
    try:
        return function(*arguments)
    except DialError as refusal:
        return refusal


# --- What holds ---


@given(names, ports, situations())
def test_request_passes_exactly_if_the_rules_say_so(
    name: str, port: int, situation: tuple[list[Number], list[Allowed]]
):
    found, allowed = situation
    dns = Dns(found)

    made = outcome(admit, Destination("https", name, port), list_of(allowed), dns)

    assert dns.look_ups <= 1
    if passes(name, port, found, allowed):
        assert list(made) == [ip_address(written(address)) for address in dict.fromkeys(found)]
    else:
        assert isinstance(made, DialError)


@given(ports, addresses, st.lists(entries, max_size=4))
def test_address_in_the_url_is_judged_like_one_from_the_dns(
    port: int, address: Number, allowed: list[Allowed]
):
    host = written(address)
    dns = Dns([])

    destination = outcome(check_url, f"http://{f'[{host}]' if address[0] == 6 else host}:{port}/")

    if judged_by(address) == [address]:
        made = outcome(admit, destination, list_of(allowed), dns)
        assert isinstance(made, tuple) is passes("", port, [address], allowed)
        assert dns.look_ups == 0
    else:
        assert destination.kind == "non-canonical-ip"


@given(names, ports, never, st.lists(ordinary, max_size=2))
def test_no_list_opens_what_is_never_allowed(
    name: str, port: int, address: Number, others: list[Number]
):
    found = [*others, address]
    everything = [
        Allowed(name, port),
        *(Allowed(network(text), port) for text in ("0.0.0.0/0", "::/0")),
        *(Allowed(around(item, 128), port) for one in found for item in (one, *judged_by(one))),
    ]

    made = outcome(admit, Destination("https", name, port), list_of(everything), Dns(found))

    assert made.kind == "address-never-allowed"


@given(ports, ordinary)
def test_destination_as_text_is_the_entry_that_opens_it(port: int, address: Number):
    destination = Destination("http", written(address), port)
    entry = parse_entry(str(destination))

    check_entry(entry)

    assert admit(destination, AllowList([entry]), Dns([])) == (ip_address(destination.host),)


@given(ports, ranges, entry_ports, st.data())
def test_entry_that_is_not_saved_would_have_opened_nothing(
    port: int, host: Range, entry_port: int | None, data: st.DataObject
):
    entry = parse_entry(str(Allowed(host, entry_port)))
    number = data.draw(st.integers(host.first, host.last))

    refused = isinstance(outcome(check_entry, entry), DialError)
    made = outcome(
        admit, Destination("http", "pbx", port), AllowList([entry]), Dns([(host.version, number)])
    )

    assert not (refused and isinstance(made, tuple))


@given(entries)
def test_entry_reads_its_own_text(allowed: Allowed):
    entry = parse_entry(str(allowed))

    assert parse_entry(str(entry)) == entry


urls = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["http://", "HTTPS://"]),
    st.sampled_from(["pbx", "PBX.Example.", "10.0.0.9", "[fd12::5]", "[FD12:0::A]", "a.b-c"]),
    st.sampled_from(["", ":80", ":08443"]),
    st.sampled_from(["", "/", "?", "#", "/a@b", "?u=http://x:1/", "/%2e"]),
)
odd = st.text("aX0.-:/?#@%[]&=~", max_size=4) | st.text(max_size=2)
odd_urls = st.builds(
    lambda url, at, text: url[:at] + text + url[at:], urls, st.integers(0, 30), odd
)
"""URLs with something where it may not belong."""


@given(odd_urls)
def test_other_programs_read_an_accepted_url_the_same(url: str):
    destination = outcome(check_url, url)
    if isinstance(destination, DialError):
        return

    split = urlsplit(url)
    parsed = parse_url(url)

    for host in (split.hostname, parsed.host):
        read = (host or "").lower().strip("[]").removesuffix(".")
        assert destination.host == (str(ip_address(read)) if ":" in read else read)
    usual = {"http": 80, "https": 443}[destination.scheme]
    assert destination.port == (split.port or usual) == (parsed.port or usual)
    assert destination.scheme == split.scheme == parsed.scheme
    assert (split.username, parsed.auth) == (None, None)


@given(anything | url_text | odd_urls, anything | url_text | odd, st.lists(st.text(), max_size=3))
def test_no_text_raises_anything_but_a_refusal(url: Any, entered: Any, dns: list[str]):
    made = [outcome(check_url, url), outcome(parse_entry, entered)]

    if isinstance(made[0], Destination):
        allow = AllowList([Entry("pbx"), Entry("pbx.example", 80)])
        made.append(outcome(admit, made[0], allow, lambda _host, _port: dns))
    if isinstance(made[1], Entry):
        made.append(outcome(check_entry, made[1]))
    assert all(str(one).isprintable() for one in made if isinstance(one, DialError))
