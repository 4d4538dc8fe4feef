import pytest

from portal.dialing.host import is_host, split_port


@pytest.mark.parametrize(
    "host",
    [
        *("pbx", "PBX.example.", "tk-anlage.firma.lan", "1und1.example", "xn--bcher-kva.example"),
        *("192.168.1.20", "255.0.0.1", "[::1]", "[fd12:3456::5]", "a" * 63),
    ],
)
def test_hosts(host: str):
    assert is_host(host)


@pytest.mark.parametrize(
    "host",
    [
        *("", ".", "a..b", "-a", "a-", "a_b", "a b", "a/b", "a@b", "a:1", "a\n", "ä", "a" * 64),
        *("127.1", "0x7f.1", "2130706433", "192.168.010.1", "1.2.3.256", "1.2.3.4.", "evil.0"),
        *("::1", "[::1", "[]", "[1.2.3.4]", "[fe80::1%eth0]", ".".join(["a" * 63] * 4)),
    ],
)
def test_no_hosts(host: str):
    assert not is_host(host)


@pytest.mark.parametrize(
    ("authority", "parts"),
    [
        ("pbx", ("pbx", "", "")),
        ("pbx:80", ("pbx", ":", "80")),
        ("pbx:", ("pbx", ":", "")),
        ("[::1]:80", ("[::1]", ":", "80")),
        ("[::1]x:80", ("[::1]x", ":", "80")),
    ],
)
def test_port_is_split_from_the_host(authority: str, parts: tuple[str, str, str]):
    assert split_port(authority) == parts
