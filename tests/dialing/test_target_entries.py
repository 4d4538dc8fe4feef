from ipaddress import IPv4Network
from typing import Any

import pytest

from portal.dialing.target import Entry, check_entry, parse_entry
from portal.errors import DialError


@pytest.mark.parametrize(
    ("entered", "kept"),
    [
        (" PBX.Example. ", "pbx.example"),
        ("pbx:8443", "pbx:8443"),
        ("pbx:08443", "pbx:8443"),
        ("192.168.10.5", "192.168.10.5"),
        ("192.168.10.5/32:80", "192.168.10.5:80"),
        ("192.168.10.0/24", "192.168.10.0/24"),
        ("192.168.10.0/24:8443", "192.168.10.0/24:8443"),
        ("FD12:0::5", "fd12::5"),
        ("[fd12::5]", "fd12::5"),
        ("[fd12::5]:8443", "[fd12::5]:8443"),
        ("fd12:3456::/32", "fd12:3456::/32"),
        ("[fd12:3456::/32]:8443", "[fd12:3456::/32]:8443"),
    ],
)
def test_entry_is_kept_in_one_spelling(entered: str, kept: str):
    entry = parse_entry(entered)

    assert str(entry) == kept
    assert parse_entry(kept) == entry


def test_entry_without_port_opens_the_ports_of_http_and_https():
    assert parse_entry("pbx").ports == {80, 443}
    assert parse_entry("pbx:8443").ports == {8443}


@pytest.mark.parametrize(
    ("entered", "kind"),
    [
        ("", "missing-host"),
        (":80", "missing-host"),
        ("*.example.com", "missing-host"),
        ("my pbx", "missing-host"),
        ("pbx\n.example", "missing-host"),
        ("telefonanlage-süd", "missing-host"),
        ("https://pbx.example/", "missing-host"),
        ("ada:word@pbx.example", "missing-host"),
        ("pbx.example/24", "missing-host"),
        ("pbx.example/call", "missing-host"),
        ("[pbx.example]:80", "missing-host"),
        ("[fd12::5", "missing-host"),
        ("fd12::5]:80", "missing-host"),
        ("[10.0.0.0/8", "missing-host"),
        ("10.0.0.0/33", "missing-host"),
        ("10.0.0.0/8/8", "missing-host"),
        ("10.0.0.0/255.0.0.0", "missing-host"),
        ("fe80::1%eth0", "missing-host"),
        ("fe80::%eth0/64", "missing-host"),
        ("pbx:", "bad-port"),
        ("pbx:0", "bad-port"),
        ("pbx:65536", "bad-port"),
        ("pbx:http", "bad-port"),
        ("192.168.10", "non-canonical-ip"),
        ("192.168.010.5", "non-canonical-ip"),
        ("192.168.10.5/24", "non-canonical-ip"),
        ("a" * 256, "too-long"),
    ],
)
def test_entry_that_cannot_be_read_is_refused(entered: str, kind: str):
    with pytest.raises(DialError) as refusal:
        parse_entry(entered)

    assert refusal.value.kind == kind
    assert str(refusal.value).isprintable()
    assert "%(" not in str(refusal.value)


def test_address_with_a_prefix_gets_both_readings_offered():
    with pytest.raises(DialError) as refusal:
        parse_entry("192.168.10.5/24:80")

    assert refusal.value.suggestion == "192.168.10.0/24"
    assert "192.168.10.0/24 for the network or 192.168.10.5 for" in str(refusal.value)


@pytest.mark.parametrize(
    "entered",
    [
        *("localhost", "pbx.localhost:80", "127.0.0.1", "127.0.0.0/8:80", "::1", "[::1/128]"),
        *("169.254.169.254:80", "169.254.0.0/16", "fe80::/64", "0.0.0.0/8", "::", "ff02::1"),
        *("255.255.255.255", "100.100.100.200", "168.63.129.16:80", "fd00:ec2::254"),
    ],
)
def test_entry_for_what_is_never_allowed_is_not_saved(entered: str):
    entry = parse_entry(entered)

    with pytest.raises(DialError) as refusal:
        check_entry(entry)

    assert refusal.value.kind == "address-never-allowed"
    assert "%(" not in str(refusal.value)


@pytest.mark.parametrize("entered", ["::ffff:a00:9", "64:ff9b::/96", "[2002::/16]:80", "2001::/32"])
def test_entry_for_ipv6_addresses_that_stand_for_ipv4_is_not_saved(entered: str):
    entry = parse_entry(entered)

    with pytest.raises(DialError) as refusal:
        check_entry(entry)

    assert refusal.value.kind == "non-canonical-ip"
    assert entered in str(refusal.value)


@pytest.mark.parametrize(
    "entered",
    [
        *("pbx.example", "localhost.example", "127.0.0.1:8088", "[::1]:8088", "10.0.0.0/8"),
        *("0.0.0.0/0", "::/0", "100.100.100.0/24", "2001::/16", "100.64.0.1", "203.0.113.7"),
    ],
)
def test_entry_that_opens_something_is_saved(entered: str):
    check_entry(parse_entry(entered))


@pytest.mark.parametrize("thing", [None, 1, b"pbx", ["pbx"]])
def test_only_text_is_an_entry(thing: Any):
    with pytest.raises(DialError) as refusal:
        parse_entry(thing)

    assert refusal.value.kind == "not-a-string"


@pytest.mark.parametrize(
    ("entry", "exact"),
    [
        (Entry(IPv4Network("10.0.0.1/32"), 80), True),
        (Entry(IPv4Network("10.0.0.1/32")), False),
        (Entry(IPv4Network("10.0.0.0/31"), 80), False),
        (Entry("pbx", 80), False),
    ],
)
def test_exact_is_one_address_with_a_port(entry: Entry, *, exact: bool):
    assert entry.is_exact is exact
