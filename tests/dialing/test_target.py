from collections.abc import Sequence
from ipaddress import IPv4Address, ip_address
from typing import Any

import pytest

from portal.dialing.target import (
    AllowList,
    Destination,
    admit,
    check_listed,
    check_url,
    fixed_destination,
    parse_entry,
)
from portal.dialing.template import OpenMode, parse
from portal.errors import DialError
from tests.dialing.cases import cases


class Dns:
    """Answers each question the same, and remembers the questions."""

    def __init__(self, case: dict[str, Any]) -> None:
        self._addresses: list[str] = case.get("dns", [])
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self._addresses


def allow_list(*texts: str) -> AllowList:
    return AllowList(map(parse_entry, texts))


@pytest.mark.parametrize("case", cases("targets", "admitted"))
def test_request_goes_to_the_addresses_that_were_checked(case: dict[str, Any]):
    dns = Dns(case)
    destination = check_url(case["url"])

    addresses = admit(destination, allow_list(*case["allow"]), dns)

    assert [str(address) for address in addresses] == [
        str(ip_address(text)) for text in case["connects"]
    ]
    assert dns.asked == ([(destination.host, destination.port)] if "dns" in case else [])


@pytest.mark.parametrize("case", cases("targets", "refused"))
def test_request_is_refused_and_the_sentence_names_the_target(case: dict[str, Any]):
    dns = Dns(case)
    destination = check_url(case["url"])

    with pytest.raises(DialError) as refusal:
        admit(destination, allow_list(*case["allow"]), dns)

    assert refusal.value.kind == case["as"]
    named = destination.host if case["as"] == "dns-failed" else str(destination)
    assert named in str(refusal.value)
    assert "dministrator" in str(refusal.value)
    assert len(dns.asked) == ("dns" in case)


@pytest.mark.parametrize("case", cases("targets", "malformed"))
def test_ambiguous_url_is_refused(case: dict[str, Any]):
    with pytest.raises(DialError) as refusal:
        check_url(case["url"])

    assert refusal.value.kind == case["as"]
    assert str(refusal.value).isprintable()
    assert "%(" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "text"),
    [
        ("HTTP://PBX.Example./?n=1", "http", "pbx.example", 80, "pbx.example:80"),
        ("https://pbx", "https", "pbx", 443, "pbx:443"),
        ("https://10.0.0.9:8443#x", "https", "10.0.0.9", 8443, "10.0.0.9:8443"),
        ("http://[FD12::0005]/", "http", "fd12::5", 80, "[fd12::5]:80"),
        ("http://pbx.example/a@b%20:1?c=d://e", "http", "pbx.example", 80, "pbx.example:80"),
    ],
)
def test_url_leads_to_a_host_and_port(url: str, scheme: str, host: str, port: int, text: str):
    destination = check_url(url)

    assert destination == Destination(scheme, host, port)
    assert str(destination) == text


@pytest.mark.parametrize("host", ["pbx.example", "10.0.0.9", "[fd12::5]"])
def test_destination_as_text_is_the_entry_that_allows_it(host: str):
    destination = check_url(f"https://{host}:8443/")

    check_listed(destination, allow_list(str(destination)))
    with pytest.raises(DialError) as refusal:
        check_listed(check_url(f"https://{host}/"), allow_list(str(destination)))

    assert refusal.value.kind == "port-not-allowed"
    assert "8443" in str(refusal.value)


@pytest.mark.parametrize(
    "address",
    ["::ffff:a00:9", "::a00:9", "64:ff9b::a00:9", "2002:a00:9::1", "2001:0:a00:1::f5ff:fff6"],
)
def test_ipv6_address_that_stands_for_ipv4_is_refused_with_that_one(address: str):
    with pytest.raises(DialError) as refusal:
        check_url(f"http://[{address}]/")

    assert refusal.value.kind == "non-canonical-ip"
    assert "10.0.0.9" in str(refusal.value)


def test_own_computer_is_opened_by_the_entry_that_the_refusal_names():
    destination = check_url("http://pbx.lan:8088/")
    dns = Dns({"dns": ["127.0.1.1"]})

    with pytest.raises(DialError) as refusal:
        admit(destination, allow_list("pbx.lan:8088"), dns)

    assert refusal.value.params["entry"] == "127.0.1.1:8088"
    assert admit(destination, allow_list("127.0.1.1:8088"), dns) == (IPv4Address("127.0.1.1"),)


def test_second_answer_of_the_dns_does_not_count():
    answers = iter([["198.51.100.7"], ["169.254.169.254"]])

    addresses = admit(
        check_url("https://pbx.example/"),
        allow_list("pbx.example"),
        lambda _host, _port: next(answers),
    )

    assert addresses == (IPv4Address("198.51.100.7"),)


def test_failing_dns_is_a_refusal():
    def fail(_host: str, _port: int) -> Sequence[str]:
        raise OSError

    with pytest.raises(DialError) as refusal:
        admit(check_url("https://pbx.example/"), allow_list("pbx.example"), fail)

    assert refusal.value.kind == "dns-failed"


def test_no_refusal_shows_path_or_query():
    for url in ("https://pbx.example/canary?canary", "https:///canary", "http:canary", "x:canary"):
        with pytest.raises(DialError) as refusal:
            check_listed(check_url(url), AllowList())

        assert "canary" not in f"{refusal.value}{refusal.value!r}{refusal.value.params}"


@pytest.mark.parametrize("url", [None, 1, b"http://pbx/", "https://pbx/" + "a" * 4096, "\ud800"])
def test_only_text_of_limited_length_is_a_url(url: Any):
    with pytest.raises(DialError):
        check_url(url)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://pbx.example/<#NUMBER#>", "pbx.example:443"),
        ("http://PBX.example.:8080?n=<#NUMBER#>", "pbx.example:8080"),
        ("https://pbx.example", "pbx.example:443"),
        ("http://[fd12::5]/%20<#NUMBER#>", "[fd12::5]:80"),
        ("http://<#CTI_PHONE#>:8080/<#NUMBER#>", "None"),
    ],
)
def test_template_says_where_all_its_urls_lead(url: str, target: str):
    assert str(fixed_destination(parse(url, OpenMode.SERVER))) == target


def test_list_can_be_had_with_one_entry_more():
    before = allow_list("other.example")

    after = before.including(parse_entry("pbx.example"))

    check_listed(check_url("https://pbx.example/"), after)
    check_listed(check_url("https://other.example/"), after)
    with pytest.raises(DialError):
        check_listed(check_url("https://pbx.example/"), before)
