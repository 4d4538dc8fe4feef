"""One exchange with a phone system, over real sockets."""

import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from portal.dialing import resolver, transport
from portal.dialing.outcome import OUTCOMES
from portal.dialing.target import AllowList, check_url, parse_entry
from portal.dialing.transport import LONGEST_BODY, Answer, Timeouts, TransportError
from tests.support import certificates
from tests.support.processes import wait_for

Behaviour = Callable[[socket.socket], None]

CANARY = "canary-7f3a"


@contextlib.contextmanager
def phone_system_that(behave: Behaviour) -> Iterator[str]:
    """Serve one connection as badly as a test wants; gives the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    behave(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/call?pass={CANARY}"
        finally:
            listener.close()
            thread.join()


def says(answer: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    return behave


def drips(head: bytes, drop: bytes) -> Behaviour:
    """Send the head, then drop after drop until the other side ends it: no single wait is long."""

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(head)
        connection.settimeout(0.05)
        while True:
            connection.sendall(drop)
            with contextlib.suppress(TimeoutError):
                if not connection.recv(1):
                    return

    return behave


class Dns:
    """Gives one answer after the other, and remembers the questions."""

    def __init__(self) -> None:
        self.answers: list[list[str]] = []
        self.hangs = False
        self.go_on = threading.Event()
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        self.asked.append((host, port))
        if self.hangs:
            self.go_on.wait()
        return [(None, None, None, "", (address, port)) for address in self.answers.pop(0)]


def stays_silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def hangs_up(connection: socket.socket) -> None:
    connection.recv(65536)


@pytest.fixture
def self_signed() -> ssl.SSLContext:
    """A certificate for the right host that nobody trusts."""
    return certificates.self_signed().context()


def exchange(url: str, *allowed: str, **seconds: float) -> Answer:
    """Open a URL that may be opened, if nothing else is allowed."""
    entries = allowed or (str(check_url(url)),)
    patient = {"look_up": 5.0, "connect": 5.0, "answer": 5.0, "exchange": 5.0}
    timeouts = Timeouts(**(patient | seconds))
    return transport.exchange(url, AllowList(map(parse_entry, entries)), timeouts)


def failure(url: str, *allowed: str, **seconds: float) -> str:
    with pytest.raises(TransportError) as caught:
        exchange(url, *allowed, **seconds)
    return caught.value.kind


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_answer_has_status_and_body():
    with phone_system_that(says(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok")) as url:
        answer = exchange(url)

    assert answer == Answer(202, b"ok")


def test_request_is_sent_as_it_was_shown_and_says_who_asks(phone_system: HTTPServer):
    seen: list[Request] = []

    def handle(request: Request) -> Response:
        seen.append(request)
        return Response("ok", headers={"Set-Cookie": "a=b"})

    target = "/a%7Eb/%2e?n=%2B49%2a36!'()&x=%20+y"
    phone_system.expect_request("/a~b/.").respond_with_handler(handle)

    exchange(phone_system.url_for(target))

    request = seen[0]
    assert request.environ["RAW_URI"] == target.replace("%2e", "%2E").replace("%2a", "%2A")
    assert request.headers["User-Agent"] == "Click2Dial-Portal"
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.headers["Connection"] == "close"
    assert "Cookie" not in request.headers


def test_redirect_is_not_followed(phone_system: HTTPServer):
    location = {"Location": phone_system.url_for("/elsewhere")}
    phone_system.expect_ordered_request("/").respond_with_data("", 302, location)

    answer = exchange(phone_system.url_for("/"))

    assert answer.status == 302
    assert len(phone_system.log) == 1


def test_proxies_and_credentials_of_the_environment_are_not_used(
    phone_system: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path
):
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login x password {CANARY}\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    phone_system.expect_request("/").respond_with_handler(
        lambda request: Response(str("Authorization" in request.headers))
    )

    answer = exchange(phone_system.url_for("/"))

    assert answer.body == b"False"


# Where the connection goes


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dns]:
    """The system's resolver, answering as a test wants."""
    system = Dns()
    monkeypatch.setattr(socket, "getaddrinfo", system)
    yield system
    system.answers = [[]] * resolver.MOST_AT_ONCE
    system.go_on.set()
    wait_for(lambda: resolver._places._value == resolver.MOST_AT_ONCE, "the look-ups to end")


def test_the_name_is_looked_up_once_and_the_connection_goes_to_what_was_checked(
    phone_system: HTTPServer, dns: Dns
):
    phone_system.expect_oneshot_request("/").respond_with_handler(
        lambda request: Response(request.headers["Host"])
    )
    dns.answers = [["127.0.0.1"], ["169.254.169.254"]]
    url = f"http://pbx.example:{phone_system.port}/"

    answer = exchange(url, f"127.0.0.1:{phone_system.port}")

    assert answer.body.decode() == f"pbx.example:{phone_system.port}"
    assert dns.asked == [("pbx.example", phone_system.port)]


def test_an_address_needs_no_look_up(phone_system: HTTPServer, dns: Dns):
    phone_system.expect_oneshot_request("/").respond_with_data("ok")

    exchange(phone_system.url_for("/"))

    assert dns.asked == []


@pytest.mark.parametrize(
    ("allowed", "addresses", "kind"),
    [
        ("pbx.example:{port}", ["127.0.0.1"], "address-never-allowed"),
        ("pbx.example:{port}", ["192.0.2.1", "127.0.0.1"], "address-never-allowed"),
        ("pbx.example:{port}", ["169.254.169.254"], "address-never-allowed"),
        ("pbx.example:{port}", ["::ffff:127.0.0.1"], "address-never-allowed"),
        ("pbx.example:{port}", [], "dns-failed"),
        ("pbx.example", ["192.0.2.1"], "port-not-allowed"),
        ("other.example:{port}", ["192.0.2.1"], "not-on-allow-list"),
        ("192.168.0.0/16:{port}", ["192.0.2.1"], "not-on-allow-list"),
    ],
)
def test_what_is_not_allowed_is_not_contacted(
    phone_system: HTTPServer, dns: Dns, allowed: str, addresses: list[str], kind: str
):
    dns.answers = [addresses]

    refused = failure(
        f"http://pbx.example:{phone_system.port}/", allowed.format(port=phone_system.port)
    )

    assert refused == kind
    assert not OUTCOMES[kind].was_sent
    assert phone_system.log == []


def test_the_own_computer_by_its_name_is_not_contacted(phone_system: HTTPServer):
    url = f"http://localhost:{phone_system.port}/"

    assert failure(url, f"localhost:{phone_system.port}") == "address-never-allowed"
    assert phone_system.log == []


def test_the_next_checked_address_is_tried_if_the_first_refuses(phone_system: HTTPServer, dns: Dns):
    phone_system.expect_oneshot_request("/").respond_with_data("ok")
    port = phone_system.port
    dns.answers = [["127.0.0.2", "127.0.0.1"]]

    answer = exchange(f"http://pbx.example:{port}/", f"127.0.0.1:{port}", f"127.0.0.2:{port}")

    assert answer == Answer(200, b"ok")


def test_a_resolver_that_hangs_is_not_waited_for(dns: Dns):
    dns.hangs = True

    assert failure("http://pbx.example/", look_up=0.05) == "dns-failed"


def test_resolvers_that_hang_do_not_pile_up(dns: Dns):
    dns.hangs = True

    for _ in range(resolver.MOST_AT_ONCE + 5):
        assert failure("http://pbx.example/", look_up=0.001) == "dns-failed"

    assert len(dns.asked) <= resolver.MOST_AT_ONCE


def test_a_name_without_address_is_dns_failed():
    assert failure("http://phone-system.invalid/") == "dns-failed"


def test_the_certificate_is_checked_for_the_name(self_signed: ssl.SSLContext, dns: Dns):
    names: list[str | None] = []
    self_signed.sni_callback = lambda _socket, name, _context: names.append(name)

    def behave(connection: socket.socket) -> None:
        with contextlib.suppress(ssl.SSLError):
            self_signed.wrap_socket(connection, server_side=True).close()

    with phone_system_that(behave) as url:
        port = check_url(url).port
        dns.answers = [["127.0.0.1"]]
        assert failure(f"https://pbx.example:{port}/", f"127.0.0.1:{port}") == "certificate-issuer"

    assert names == ["pbx.example"]


# What can go wrong


def test_no_listener_is_connection_refused():
    assert failure(f"http://127.0.0.1:{free_port()}/") == "connection-refused"


def test_plain_answer_to_tls_is_tls():
    with phone_system_that(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as url:
        assert failure(url.replace("http:", "https:")) == "tls"


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(self_signed: ssl.SSLContext):
    def behave(connection: socket.socket) -> None:
        with contextlib.suppress(ssl.SSLError):
            self_signed.wrap_socket(connection, server_side=True).close()

    with phone_system_that(behave) as url:
        assert failure(url.replace("http:", "https:")) == "certificate-issuer"


def test_silence_during_tls_means_that_nothing_was_sent():
    with phone_system_that(stays_silent) as url:
        kind = failure(url.replace("http:", "https:"), connect=0.2)

    assert kind == "connect-timeout"


def test_silence_after_the_request_is_answer_timeout():
    with phone_system_that(stays_silent) as url:
        assert failure(url, answer=0.1) == "answer-timeout"


def test_hanging_up_after_the_request_is_connection_lost():
    with phone_system_that(hangs_up) as url:
        assert failure(url) == "connection-lost"


@pytest.mark.parametrize(
    "answer",
    [
        b"+OK ready\r\n",
        b"\x00\xff\x16\x03",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
    ids=["other protocol", "binary", "too many headers", "too long header"],
)
def test_garbage_is_not_http(answer: bytes):
    with phone_system_that(says(answer)) as url:
        assert failure(url) == "not-http"


def test_dripping_headers_end_with_the_time_for_the_exchange():
    with phone_system_that(drips(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")) as url:
        assert failure(url, exchange=0.5) == "answer-timeout"


def test_dripping_body_ends_with_the_time_for_the_exchange_and_the_status_counts():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    with phone_system_that(drips(head, b"x")) as url:
        answer = exchange(url, exchange=0.5)

    assert answer.status == 200
    assert 0 < len(answer.body) < 100000


def test_endless_body_is_read_up_to_a_limit():
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with phone_system_that(drips(head, b"1000\r\n" + b"x" * 4096 + b"\r\n")) as url:
        answer = exchange(url)

    assert len(answer.body) == LONGEST_BODY


def test_body_that_breaks_off_leaves_the_status():
    with phone_system_that(says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")) as url:
        answer = exchange(url)

    assert answer == Answer(200, b"half")


def test_compressed_body_is_not_unpacked():
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n"
    with phone_system_that(says(head + b"\x1f\x8b\x08\x00")) as url:
        answer = exchange(url)

    assert answer.body == b"\x1f\x8b\x08\x00"


@pytest.mark.parametrize("behave", [hangs_up, stays_silent, says(b"garbage\r\n\r\n")])
def test_no_failure_tells_the_url(behave: Behaviour, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    with phone_system_that(behave) as url, pytest.raises(TransportError) as caught:
        exchange(url, answer=0.1)

    error: BaseException | None = caught.value
    while error:
        assert CANARY not in repr(error)
        error = error.__cause__ or error.__context__
    assert CANARY not in caplog.text


def test_headers_that_cannot_be_read_do_not_bring_the_url_into_the_log(
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.DEBUG)
    with phone_system_that(says(b"HTTP/1.1 200 OK\r\nno header\r\nX: y\r\n\r\n")) as url:
        exchange(url)

    assert CANARY not in caplog.text
