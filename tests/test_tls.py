"""Encrypted phone systems: whom the server trusts, and what it sends to the others: nothing."""

import contextlib
import itertools
import socket
import ssl
import threading
import time

import pytest

from portal.dialing import certificate, tls, transport
from portal.dialing.outcome import OUTCOMES
from portal.dialing.target import AllowList, Destination, admit, parse_entry, trust_for
from portal.dialing.tls import Trust, TrustMode
from portal.dialing.transport import Answer, TransportError
from portal.errors import DialError
from tests.support.certificates import (
    EXPIRED,
    HOST,
    NOT_YET,
    an_authority,
    issued_by,
    known_to_the_computer,
    self_signed,
    tls_phone_system,
)
from tests.support.faults import patient

SYSTEM, UNVERIFIED = Trust(), Trust(TrustMode.UNVERIFIED)
AUTHORITY = an_authority()


def pinned(issued):
    return Trust(TrustMode.PIN, fingerprint=issued.fingerprint)


def trusting(*authorities):
    return Trust(TrustMode.AUTHORITY, authority="".join(issued.pem for issued in authorities))


def allowing(system, trust):
    entry = parse_entry(system.entry)
    return AllowList([entry], {entry: trust})


def call(system, trust):
    """Return the answer of a phone system, or the kind of outcome if it gets no request."""
    try:
        return transport.exchange(system.url, allowing(system, trust), patient())
    except TransportError as error:
        return error.kind


# Who gets the request


@pytest.mark.parametrize(
    ("shown", "trust"),
    [
        (issued_by(AUTHORITY), trusting(AUTHORITY)),
        (issued_by(AUTHORITY), trusting(an_authority("Another"), AUTHORITY)),
        (alone := self_signed(), trusting(alone)),
        (alone, pinned(alone)),
        (foreign := issued_by(AUTHORITY, "other.example", days=EXPIRED), pinned(foreign)),
        (foreign, UNVERIFIED),
        (self_signed(), UNVERIFIED),
    ],
    ids=[
        "own authority",
        "one of own authorities",
        "self-signed as own authority",
        "pinned",
        "pinned, for another host, expired",
        "unverified, for another host, expired",
        "unverified, self-signed",
    ],
)
def test_who_shows_what_is_wanted_gets_the_request(shown, trust):
    with tls_phone_system(shown) as system:
        answer = call(system, trust)

    assert answer == Answer(200, b"ok")
    assert system.received.startswith(b"GET /call HTTP/1.1\r\n")


def test_what_the_computer_trusts_gets_the_request_by_default():
    with known_to_the_computer(AUTHORITY), tls_phone_system(issued_by(AUTHORITY)) as system:
        assert call(system, SYSTEM) == Answer(200, b"ok")


def test_a_computer_that_trusts_nobody_takes_the_well_known_authorities(monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    tls._system_context.cache_clear()

    context = tls._system_context()

    assert context.cert_store_stats()["x509_ca"] > 50
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    tls._system_context.cache_clear()


# Who gets nothing


@pytest.mark.parametrize(
    ("shown", "trust", "kind"),
    [
        (issued_by(AUTHORITY, days=EXPIRED), trusting(AUTHORITY), "certificate-expired"),
        (issued_by(AUTHORITY, days=NOT_YET), trusting(AUTHORITY), "certificate-expired"),
        (issued_by(AUTHORITY, "pbx.example"), trusting(AUTHORITY), "certificate-host"),
        (issued_by(AUTHORITY, "127.0.0.2"), trusting(AUTHORITY), "certificate-host"),
        (issued_by(AUTHORITY), trusting(an_authority()), "certificate-issuer"),
        (issued_by(AUTHORITY), SYSTEM, "certificate-issuer"),
        (self_signed(), SYSTEM, "certificate-issuer"),
        (self_signed(), trusting(AUTHORITY), "certificate-issuer"),
        (issued_by(AUTHORITY), pinned(issued_by(AUTHORITY)), "certificate-changed"),
        (self_signed(), pinned(self_signed()), "certificate-changed"),
    ],
    ids=[
        "expired",
        "not valid yet",
        "wrong host",
        "wrong address",
        "authority of the same name",
        "authority not known to the computer",
        "self-signed",
        "self-signed in place of the authority's",
        "changed, same authority",
        "changed, self-signed",
    ],
)
def test_who_shows_something_else_gets_not_a_byte_of_the_request(shown, trust, kind):
    with tls_phone_system(shown) as system:
        outcome = call(system, trust)

    assert outcome == kind
    assert system.received == b""
    assert not OUTCOMES[kind].was_sent


def test_a_certificate_that_changes_between_two_calls_stops_them():
    confirmed = self_signed()
    with tls_phone_system(confirmed) as system:
        assert call(system, pinned(confirmed)) == Answer(200, b"ok")
        system.shows = self_signed()
        assert call(system, pinned(confirmed)) == "certificate-changed"

    assert len([request for request in system.requests if request]) == 1


def test_an_own_authority_replaces_those_of_the_computer():
    with known_to_the_computer(AUTHORITY), tls_phone_system(issued_by(AUTHORITY)) as system:
        assert call(system, trusting(an_authority("Another"))) == "certificate-issuer"


@pytest.mark.parametrize("trust", [SYSTEM, UNVERIFIED], ids=["system", "unverified"])
def test_drops_of_a_greeting_do_not_keep_the_connection_going(trust):
    ended = threading.Event()

    def drip(listener):
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            for byte in itertools.cycle(b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb"):
                connection.sendall(bytes([byte]))
                if ended.wait(0.05):
                    return

    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        connection = socket.create_connection(listener.getsockname(), 5)
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            tls.secure(connection, HOST, trust, 0.5)
        ended.set()
        thread.join()

    assert time.monotonic() - begun < 5


# Which entry decides


@pytest.mark.parametrize(
    ("entries", "decides"),
    [
        (["192.0.2.0/24", "192.0.2.5", "pbx.example"], "pbx.example"),
        (["192.0.2.0/24", "192.0.2.5"], "192.0.2.5"),
        (["192.0.2.0/24", "192.0.0.0/16"], "192.0.2.0/24"),
        (["pbx.example", "pbx.example:443"], "pbx.example:443"),
        (["192.0.2.5", "192.0.2.5:443"], "192.0.2.5:443"),
        (["192.0.2.0/24:443", "192.0.2.5"], "192.0.2.5"),
        (["192.0.2.5:443", "pbx.example"], "pbx.example"),
        (["pbx.example:8443", "192.0.2.5"], "192.0.2.5"),
        (["other.example", "192.0.2.5"], "192.0.2.5"),
    ],
)
def test_the_entry_that_names_the_phone_system_most_closely_decides(entries, decides):
    trusts = {parse_entry(entry): Trust(TrustMode.PIN, fingerprint=entry) for entry in entries}
    for order in itertools.permutations(trusts):
        allow = AllowList(order, trusts)
        (address,) = admit(
            Destination("https", "pbx.example", 443), allow, lambda *_: ["192.0.2.5"]
        )

        trust = trust_for(Destination("https", "pbx.example", 443), address, allow)

        assert trust.fingerprint == decides


def test_an_ipv4_address_inside_ipv6_finds_the_entry_of_ipv4():
    entry = parse_entry("192.0.2.0/24")
    allow = AllowList([entry], {entry: UNVERIFIED})
    destination = Destination("https", "pbx.example", 443)
    (address,) = admit(destination, allow, lambda *_: ["64:ff9b::c000:205"])

    assert trust_for(destination, address, allow) == UNVERIFIED


def test_a_list_with_one_entry_more_keeps_what_is_trusted():
    entry = parse_entry("192.0.2.5")
    allow = AllowList([entry], {entry: UNVERIFIED}).including(parse_entry("pbx.example"))

    assert allow.trust(entry) == UNVERIFIED


# Fetching


def fetch(system, trust=SYSTEM, host=HOST):
    return certificate.fetch(
        Destination("https", host, system.port), allowing(system, trust), look_up_in=5, seconds=5
    )


def fetch_from(port):
    allow = AllowList([parse_entry(f"{HOST}:{port}")])
    return certificate.fetch(Destination("https", HOST, port), allow, look_up_in=5, seconds=5)


def test_a_certificate_is_fetched_and_read():
    issued = issued_by(AUTHORITY, "pbx.example", HOST)
    with tls_phone_system(issued) as system:
        shown = fetch(system)

    assert shown.own.fingerprint == issued.fingerprint
    assert "".join(shown.own.groups).replace(":", "").lower() == issued.fingerprint
    assert (shown.own.subject, shown.own.issuer) == ("CN=pbx.example", "CN=Authority of the test")
    assert shown.own.names == ("pbx.example", HOST)
    assert shown.own.is_current
    assert not shown.own.can_vouch
    assert shown.own.pem == issued.pem
    assert shown.authority.fingerprint == AUTHORITY.fingerprint
    assert system.received == b""


@pytest.mark.parametrize(
    ("issued", "trust", "problem"),
    [
        (self_signed(), SYSTEM, "certificate-issuer"),
        (self_signed(), UNVERIFIED, "certificate-issuer"),
        (issued_by(AUTHORITY), trusting(AUTHORITY), ""),
        (issued_by(AUTHORITY, days=EXPIRED), trusting(AUTHORITY), "certificate-expired"),
        (alone, pinned(alone), ""),
        (self_signed(), pinned(alone), "certificate-changed"),
    ],
)
def test_fetching_says_what_calls_make_of_it(issued, trust, problem):
    with tls_phone_system(issued) as system:
        shown = fetch(system, trust)

    assert shown.problem == problem
    assert shown.own.fingerprint == issued.fingerprint


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("127.0.0.2", "address-never-allowed"),
        ("169.254.169.254", "address-never-allowed"),
        ("192.0.2.1", "not-on-allow-list"),
    ],
)
def test_only_what_is_allowed_is_asked_for_its_certificate(host, kind):
    with tls_phone_system(self_signed()) as system, pytest.raises(DialError) as refused:
        fetch(system, host=host)

    assert refused.value.kind == kind
    assert system.requests == []


def closed_port():
    with socket.create_server((HOST, 0)) as listener:
        return listener.getsockname()[1]


def hangs_up(listener):
    connection, _ = listener.accept()
    connection.close()


def speaks_plainly(listener):
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize(
    ("behave", "kinds"),
    [(speaks_plainly, {"tls"}), (hangs_up, {"tls", "unreachable"})],
    ids=["no TLS", "hangs up"],
)
def test_who_shows_no_certificate_is_reported_in_words(behave, kinds):
    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=behave, args=(listener,))
        thread.start()
        port = listener.getsockname()[1]
        with pytest.raises(DialError) as refused:
            fetch_from(port)
        thread.join()

    assert refused.value.kind in kinds
    assert refused.value.message == OUTCOMES[refused.value.kind].happened


def test_nobody_who_answers_is_reported_in_words():
    with pytest.raises(DialError) as refused:
        fetch_from(closed_port())

    assert refused.value.kind == "connection-refused"


# What administrators enter


@pytest.mark.parametrize(
    "text",
    [
        "3FA2" * 16,
        ":".join(["3f", "A2"] * 16),
        " SHA256 Fingerprint=" + ":".join(["3F", "A2"] * 16),
        "3FA2 3FA2 " * 8,
        "sha-256 = " + "3f a2:" * 16,
    ],
)
def test_a_fingerprint_is_read_in_every_usual_spelling(text):
    assert tls.parse_fingerprint(text) == "3fa2" * 16


@pytest.mark.parametrize("text", ["", "3f" * 20, "3f" * 31 + "3", "xy" * 32, "3f" * 33])
def test_what_is_no_sha_256_is_refused_at_its_field(text):
    with pytest.raises(DialError) as refused:
        tls.parse_fingerprint(text)

    assert (refused.value.kind, refused.value.field) == ("bad-fingerprint", "fingerprint")


def test_authorities_are_kept_in_one_form_without_what_stood_around_them():
    other = an_authority("Another")
    text = f"Our authority:\r\n{AUTHORITY.pem}\n{other.pem}{AUTHORITY.pem}".replace("\n", "\r\n")

    assert certificate.check_authority(text) == AUTHORITY.pem + other.pem


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "not-a-certificate"),
        ("hello", "not-a-certificate"),
        (AUTHORITY.pem.replace("M", "N"), "not-a-certificate"),
        (AUTHORITY.pem.replace("CERTIFICATE", "CERTIFICATE REQUEST"), "not-a-certificate"),
        (AUTHORITY.pem + AUTHORITY.private, "private-key"),
        (issued_by(AUTHORITY).pem, "not-an-authority"),
        (self_signed(days=EXPIRED, authority=True).pem, "certificate-expired"),
        (AUTHORITY.pem * 100, "too-long"),
    ],
    ids=["empty", "text", "damaged", "request", "key", "server", "expired", "long"],
)
def test_what_cannot_be_an_authority_is_refused_at_its_field(text, kind):
    with pytest.raises(DialError) as refused:
        certificate.check_authority(text)

    assert (refused.value.kind, refused.value.field) == (kind, "authority")
    assert "PRIVATE" not in str(refused.value)


def test_a_hostile_certificate_is_shown_as_harmless_text():
    issued = self_signed("<b>a\u202eb\x07", authority=True)

    shown = certificate.read(ssl.PEM_cert_to_DER_cert(issued.pem))

    assert shown.subject == "CN=\\<b\\>aU+202EbU+0007"


def test_what_is_no_certificate_is_not_read():
    with pytest.raises(DialError) as refused:
        certificate.read(b"\x30\x82no")

    assert refused.value.kind == "not-a-certificate"
