"""One exchange with a phone system, over real sockets."""

import contextlib
import logging
import re
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from portal.dialing import resolver, transport
from portal.dialing.outcome import OUTCOMES
from portal.dialing.target import AllowList, check_url, parse_entry
from portal.dialing.tls import Trust, TrustMode
from portal.dialing.transport import Answer, TransportError
from tests.support.certificates import self_signed
from tests.support.faults import (
    Fault,
    FaultServer,
    Line,
    answers,
    drips,
    drips_body,
    drips_headers,
    endless_body,
    gzip_bomb,
    hangs_up,
    never_answers,
    patient,
    phone_system_that,
    port_that_swallows_connections,
    redirects,
    resets,
    says,
    says_nothing,
    speaks_first,
)
from tests.support.names import Names
from tests.support.processes import free_port

CANARY = "canary-7f3a"
SLACK = 5.0
"""So many seconds longer than its limit something may take on a loaded machine."""

CERTIFICATE = self_signed()
TRUST = Trust(TrustMode.AUTHORITY, authority=CERTIFICATE.pem)

GARBAGE = {
    "other protocol": b"+OK ready\r\n",
    "binary": b"\x00\xff\x16\x03",
    "nothing but a line": b"\r\n",
    "HTTP/0.9": b"<html>It works</html>",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "status of five digits": b"HTTP/1.1 20000 OK\r\n\r\n",
    "too many headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    "too long header": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok",
}


HEADERS = [
    b"Content-Length: 4",
    b"Content-Length: 99",
    b"Content-Length: -4",
    b"Content-Length: 4, 4",
    b"Transfer-Encoding: chunked",
    b"Content-Encoding: gzip",
    b"Content-Type: text/html; charset=nonsense",
    b"Location: http://[broken",
    b"Set-Cookie: \xff=;;;",
    b" folded",
    b"no colon",
]


def drips_tls(line: Line) -> None:
    """Begin with TLS and never come to the end of the first message."""
    line.send(b"\x16\x03\x03\x40\x00\x02")
    line.send_on_and_on(b"\x00", 0.05)


def resets_at_once(line: Line) -> None:
    """Break the connection as soon as it is there."""
    line.reset()


@pytest.fixture(scope="module")
def any_answer() -> Iterator[tuple[FaultServer, list[bytes]]]:
    """A phone system that says what stands in the list."""
    answer: list[bytes] = []

    def fault(line: Line) -> None:
        line.read_request()
        line.send(answer[0])

    with phone_system_that(fault) as system:
        yield system, answer


def exchange(url: str, *allowed: str, **limits: float) -> Answer:
    """Open a URL that may be opened, if nothing else is allowed; CERTIFICATE is trusted."""
    entries = [parse_entry(entry) for entry in allowed or (str(check_url(url)),)]
    allow = AllowList(entries, dict.fromkeys(entries, TRUST))
    return transport.exchange(url, allow, patient(**limits))


def failure(url: str, *allowed: str, **limits: float) -> str:
    with pytest.raises(TransportError) as caught:
        exchange(url, *allowed, **limits)
    return caught.value.kind


def test_answer_has_status_and_body():
    with phone_system_that(says(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok")) as system:
        answer = exchange(system.url("/"))

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


def test_the_name_is_looked_up_once_and_the_connection_goes_to_what_was_checked(
    phone_system: HTTPServer, names: Names
):
    phone_system.expect_oneshot_request("/").respond_with_handler(
        lambda request: Response(request.headers["Host"])
    )
    names.answers = [["127.0.0.1"], ["169.254.169.254"]]
    url = f"http://pbx.example:{phone_system.port}/"

    answer = exchange(url, f"127.0.0.1:{phone_system.port}")

    assert answer.body.decode() == f"pbx.example:{phone_system.port}"
    assert names.asked == [("pbx.example", phone_system.port)]


def test_an_address_needs_no_look_up(phone_system: HTTPServer, names: Names):
    phone_system.expect_oneshot_request("/").respond_with_data("ok")

    exchange(phone_system.url_for("/"))

    assert names.asked == []


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
    phone_system: HTTPServer, names: Names, allowed: str, addresses: list[str], kind: str
):
    names.answers = [addresses]

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


def test_a_resolver_that_hangs_is_not_waited_for(names: Names):
    names.hangs = True

    assert failure("http://pbx.example/", look_up=0.05) == "dns-timeout"


def test_resolvers_that_hang_do_not_pile_up(names: Names):
    names.hangs = True

    for _ in range(resolver.MOST_AT_ONCE + 5):
        assert failure("http://pbx.example/", look_up=0.001) == "dns-timeout"

    assert len(names.asked) <= resolver.MOST_AT_ONCE


def test_a_name_without_address_is_dns_failed():
    assert failure("http://phone-system.invalid/") == "dns-failed"


def test_the_certificate_is_checked_for_the_name(names: Names):
    context = CERTIFICATE.context()
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    names.answers = [["127.0.0.1"]]

    with phone_system_that(answers(), context) as system:
        url = f"https://pbx.example:{system.port}/"
        assert failure(url, f"127.0.0.1:{system.port}") == "certificate-host"

    assert asked == ["pbx.example"]
    assert system.bytes_seen == 0


# Tried twice only as long as no byte was sent


def test_the_next_checked_address_is_tried_if_the_first_refuses(names: Names):
    with phone_system_that(answers()) as system:
        port = system.port
        names.answers = [["127.0.0.2", "127.0.0.1"]]
        answer = exchange(f"http://pbx.example:{port}/", f"127.0.0.1:{port}", f"127.0.0.2:{port}")

    assert answer == Answer(200, b"ok")
    assert len(system.requests) == 1


def test_the_next_checked_address_is_tried_if_the_first_swallows_connections(names: Names):
    names.answers = [["127.0.0.2", "127.0.0.1"]]

    with (
        port_that_swallows_connections("127.0.0.2") as port,
        phone_system_that(answers(), port=port) as system,
    ):
        answer = exchange(
            f"http://pbx.example:{port}/",
            f"127.0.0.1:{port}",
            f"127.0.0.2:{port}",
            connect=2.0,
        )

    assert answer == Answer(200, b"ok")
    assert len(system.requests) == 1


def test_no_more_than_two_addresses_are_tried(names: Names):
    with phone_system_that(answers()) as system:
        port = system.port
        names.answers = [["127.0.0.2", "127.0.0.3", "127.0.0.1"]]
        entries = [f"127.0.0.{last}:{port}" for last in (1, 2, 3)]
        kind = failure(f"http://pbx.example:{port}/", *entries)

    assert kind == "connection-refused"
    assert system.connections == 0


def test_an_only_address_is_tried_again_after_a_pause(monkeypatch: pytest.MonkeyPatch):
    port = free_port()
    pauses: list[float] = []
    come_up = contextlib.ExitStack()

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        come_up.enter_context(phone_system_that(answers(), port=port))

    monkeypatch.setattr(time, "sleep", pause)

    with come_up:
        answer = exchange(f"http://127.0.0.1:{port}/", retry_pause=0.25)

    assert answer == Answer(200, b"ok")
    assert pauses == [0.25]


@pytest.mark.parametrize(
    "fault",
    [
        hangs_up,
        resets(),
        resets(b"HTTP/1.1 200 OK\r\n"),
        says(b"garbage\r\n\r\n"),
        answers(503),
        answers(408),
        redirects("/"),
    ],
    ids=["hangs up", "resets", "resets in the head", "garbage", "503", "408", "redirects"],
)
def test_what_was_sent_is_never_sent_again(fault: Fault):
    with phone_system_that(fault) as system, contextlib.suppress(TransportError):
        exchange(system.url("/"))

    assert (system.connections, len(system.requests)) == (1, 1)


def test_a_connection_that_breaks_before_anything_is_sent_was_no_request():
    with phone_system_that(resets_at_once) as system:
        kind = failure(f"https://127.0.0.1:{system.port}/")

    assert not OUTCOMES[kind].was_sent
    assert system.bytes_seen == 0


# Bounded in time


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("fault", "limits"),
    [
        (never_answers, {"answer": 0.3}),
        (never_answers, {"exchange": 0.5}),
        (drips_headers(), {"exchange": 0.5}),
        (drips_headers(0.002), {"exchange": 1.0}),
        (drips(b"HTTP", b"/"), {"exchange": 0.5}),
        (drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), {"exchange": 0.5}),
    ],
    ids=["silent", "silent, all", "headers", "many headers", "status line", "100 Continue"],
)
def test_an_answer_that_does_not_come_is_not_waited_for(
    fault: Fault, limits: dict[str, float], scheme: str
):
    with phone_system_that(fault, CERTIFICATE.context() if scheme == "https" else None) as system:
        started = time.monotonic()
        kind = failure(system.url("/"), **limits)
        took = time.monotonic() - started

    assert kind == "answer-timeout"
    assert took < max(limits.values()) + SLACK
    assert len(system.requests) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_body_that_drips_ends_with_the_time_for_the_exchange_and_the_status_counts(scheme: str):
    with phone_system_that(
        drips_body(), CERTIFICATE.context() if scheme == "https" else None
    ) as system:
        started = time.monotonic()
        answer = exchange(system.url("/"), exchange=1.0)
        took = time.monotonic() - started

    assert answer.status == 200
    assert answer.body
    assert 1.0 <= took < 1.0 + SLACK


@pytest.mark.parametrize("limits", [{"connect": 0.5}, {"exchange": 0.5}], ids=["connect", "all"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_connection_that_is_swallowed_is_not_waited_for(scheme: str, limits: dict[str, float]):
    with port_that_swallows_connections() as port:
        started = time.monotonic()
        kind = failure(f"{scheme}://127.0.0.1:{port}/", **limits)
        took = time.monotonic() - started

    assert kind == "connect-timeout"
    assert took < 0.5 + SLACK


@pytest.mark.parametrize("limits", [{"connect": 0.5}, {"exchange": 0.5}], ids=["connect", "all"])
@pytest.mark.parametrize("fault", [says_nothing, drips_tls], ids=["silent", "drips"])
def test_tls_that_does_not_come_about_is_not_waited_for(fault: Fault, limits: dict[str, float]):
    with phone_system_that(fault) as system:
        started = time.monotonic()
        kind = failure(f"https://127.0.0.1:{system.port}/", **limits)
        took = time.monotonic() - started

    assert kind == "connect-timeout"
    assert not OUTCOMES[kind].was_sent
    assert took < 0.5 + SLACK


def test_the_time_for_the_exchange_begins_with_the_look_up(names: Names):
    names.hangs = True

    started = time.monotonic()
    kind = failure("http://pbx.example/", look_up=30.0, exchange=0.5)

    assert kind == "dns-timeout"
    assert time.monotonic() - started < 0.5 + SLACK


def test_an_answer_that_is_read_too_late_is_no_answer(monkeypatch: pytest.MonkeyPatch):
    """As if the process had been stopped while the headers were read."""
    moment = time.monotonic()
    send = transport._Adapter.send

    def send_for_a_day(*args: Any, **kwargs: Any) -> Any:
        response = send(*args, **kwargs)
        monkeypatch.setattr(time, "monotonic", lambda: moment + 86_400)
        return response

    monkeypatch.setattr(transport._Adapter, "send", send_for_a_day)

    with phone_system_that(answers()) as system:
        assert failure(system.url("/")) == "answer-timeout"


# Bounded in size


def test_a_body_without_end_is_read_up_to_a_limit():
    with phone_system_that(endless_body) as system:
        answer = exchange(system.url("/"), longest_body=64 * 1024)

    assert answer.status == 200
    assert len(answer.body) == 64 * 1024


def test_a_packed_body_is_not_unpacked():
    with phone_system_that(gzip_bomb()) as system:
        answer = exchange(system.url("/"), longest_body=1024)

    assert answer.body[:2] == b"\x1f\x8b"
    assert len(answer.body) == 1024
    assert b"accept-encoding: identity" in system.requests[0].lower()


@pytest.mark.parametrize(
    ("size", "kind"), [(1000, ""), (1024, ""), (1025, "not-http"), (10**7, "not-http")]
)
def test_a_head_is_taken_up_to_a_limit(size: int, kind: str):
    start, end = b"HTTP/1.1 200 OK\r\nX: ", b"\r\nContent-Length: 2\r\n\r\n"
    head = start + b"y" * (size - len(start) - len(end)) + end

    with phone_system_that(says(head + b"ok")) as system:
        if kind:
            assert failure(system.url("/"), longest_head=1024) == kind
        else:
            assert exchange(system.url("/"), longest_head=1024) == Answer(200, b"ok")


def test_a_url_is_opened_up_to_a_limit():
    with phone_system_that(answers()) as system:
        start = system.url("/")
        longest = start + "x" * (4096 - len(start))

        assert exchange(longest).status == 200
        assert failure(longest + "x", f"127.0.0.1:{system.port}") == "url-too-long"

    assert len(system.requests) == 1


def test_what_is_no_url_is_told_in_words():
    assert failure("http://pbx.example/a b", "pbx.example") == "bad-url"
    assert not OUTCOMES["bad-url"].was_sent


def test_cookies_are_not_kept():
    with phone_system_that(answers(200, b"ok", "Set-Cookie: mansession_id=1bdee89e")) as system:
        exchange(system.url("/"))
        exchange(system.url("/"))

    assert len(system.requests) == 2
    assert not any(b"cookie" in request.lower() for request in system.requests)


# What can go wrong


def test_no_listener_is_connection_refused():
    assert failure(f"http://127.0.0.1:{free_port()}/") == "connection-refused"


def test_plain_answer_to_tls_is_tls():
    with phone_system_that(speaks_first) as system:
        assert failure(f"https://127.0.0.1:{system.port}/") == "tls"


@pytest.mark.parametrize(
    "fault",
    [hangs_up, resets(), resets(b"HTTP/1.1 200 OK\r\nContent-"), says(b"HTTP/1.1 200 OK\r\nX: y")],
    ids=["hangs up", "resets", "resets in the head", "hangs up in the head"],
)
def test_an_answer_that_breaks_off_in_its_head_is_connection_lost(fault: Fault):
    with phone_system_that(fault) as system:
        assert failure(system.url("/")) == "connection-lost"


@pytest.mark.parametrize(
    "fault",
    [
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
        resets(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nno length\r\n"),
    ],
    ids=["hangs up", "resets", "garbage"],
)
def test_a_body_that_breaks_off_leaves_the_status(fault: Fault):
    with phone_system_that(fault) as system:
        answer = exchange(system.url("/"))

    assert answer == Answer(200, b"half")


@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_not_http(answer: bytes):
    with phone_system_that(says(answer)) as system:
        assert failure(system.url("/")) == "not-http"


ANYTHING = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=200).map(lambda tail: b"HTTP/1.1 " + tail),
    st.builds(
        lambda status, lines: b"\r\n".join([b"HTTP/1.1 %d x" % status, *lines, b"", b"body"]),
        st.integers(0, 1100),
        st.lists(st.sampled_from(HEADERS) | st.binary(max_size=20), max_size=4),
    ),
)


@settings(max_examples=300)
@given(answer=ANYTHING)
def test_whatever_is_answered_is_an_answer_or_has_a_name(any_answer, answer: bytes):
    """And is only taken for an answer if all of its head is there."""
    system, answered = any_answer
    answered[:] = [answer]

    kind, status = "", 0
    try:
        status = exchange(system.url("/")).status
    except TransportError as error:
        kind = error.kind

    if kind:
        assert OUTCOMES[kind].was_sent
    else:
        assert re.match(rb"HTTP/[0-9.]+ +%d\b" % status, answer)
        assert re.search(rb"\n\r?\n", answer)


# What nobody may learn


TOLD_NOBODY: dict[str, Fault] = {
    "hangs up": hangs_up,
    "never answers": never_answers,
    "resets": resets(),
    "drips": drips_headers(),
    "redirects": redirects("http://169.254.169.254/"),
    "broken header": says(b"HTTP/1.1 200 OK\r\nno header\r\nX: y\r\n\r\n"),
    **{name: says(answer) for name, answer in GARBAGE.items()},
}


@pytest.mark.parametrize("fault", TOLD_NOBODY.values(), ids=TOLD_NOBODY.keys())
def test_no_failure_tells_the_url(fault: Fault, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    error: BaseException | None = None

    with phone_system_that(fault) as system:
        try:
            exchange(system.url(f"/call?pass={CANARY}"), exchange=0.5)
        except TransportError as caught:
            error = caught

    assert len(system.requests) == 1
    assert CANARY not in caplog.text
    assert CANARY not in "".join(traceback.format_exception(error))
    while error:
        assert CANARY not in repr(error)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "url",
    [
        f"https://127.0.0.1:{{port}}/{CANARY}",
        f"http://127.0.0.1:{{refused}}/{CANARY}",
        f"http://127.0.0.1:{{port}}/{CANARY} x",
        f"http://127.0.0.1:{{port}}/{CANARY}{'x' * 4096}",
        f"http://{CANARY}.invalid:{{port}}/{CANARY}",
    ],
    ids=["tls", "refused", "no url", "too long", "no such name"],
)
def test_no_failure_before_sending_tells_the_url(url: str):
    with phone_system_that(speaks_first) as system:
        port, refused = system.port, free_port()
        entries = [f"127.0.0.1:{port}", f"127.0.0.1:{refused}", f"{CANARY}.invalid:{port}"]
        with pytest.raises(TransportError) as caught:
            exchange(url.format(port=port, refused=refused), *entries)

    assert caught.value.__cause__ is caught.value.__context__ is None
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_an_error_nobody_has_thought_of_does_not_tell_the_url(monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object, **__: object) -> None:
        raise KeyError(CANARY)

    with phone_system_that(answers()) as system:
        monkeypatch.setattr(transport, "_check_length", fail)
        with pytest.raises(TransportError) as caught:
            exchange(system.url(f"/{CANARY}"))

    assert caught.value.kind == "connection-lost"
    assert CANARY not in "".join(traceback.format_exception(caught.value))


# What is left behind


def test_no_thread_and_no_file_is_left_behind():
    faults = [never_answers, hangs_up, resets(), says(b"garbage"), endless_body, drips_body()]

    def run() -> None:
        for fault in faults:
            with phone_system_that(fault) as system, contextlib.suppress(TransportError):
                exchange(system.url("/"), exchange=0.2)
        with contextlib.suppress(TransportError):
            exchange(f"http://127.0.0.1:{free_port()}/")

    def held() -> tuple[int, int]:
        return threading.active_count(), sum(1 for _ in Path("/proc/self/fd").iterdir())

    run()
    before = held()
    run()

    assert held() == before
