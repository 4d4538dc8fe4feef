"""Logs tell what happened, to which request, and nothing that is nobody's business."""

import json
import logging
import sys

import pytest
import structlog

from portal import logs
from tests.support import people


@pytest.fixture
def lines(app):
    """What a server would write from now on, line by line."""
    written = []

    class Memory(logging.Handler):
        def emit(self, record):
            written.append(json.loads(self.format(record)))

    handler = Memory()
    handler.setFormatter(logs.formatter(for_terminal=False))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_request_is_one_line(lines, alice):
    answer = alice.client.get("/calls")

    (line,) = lines
    assert line["event"] == "request"
    assert (line["method"], line["path"], line["status"]) == ("GET", "/calls", 200)
    assert line["user_id"] == alice.id
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert line["milliseconds"] >= 0


def test_a_visitor_is_nobody(lines, client):
    client.get("/login")

    assert lines[0]["user_id"] is None


def test_numbers_stay_out(lines, alice):
    alice.client.get("/dial?number=036130262422")
    alice.client.get("/036130262422")
    alice.client.submit("/dial/preview", {"number": "036130262422", "phone": "default"})

    assert len(lines) == 3
    assert "30262422" not in json.dumps(lines)


def test_credentials_stay_out(lines, client, alice):
    client.submit("/login", {"login": "alice", "password": alice.password})

    assert alice.password not in json.dumps(lines)
    assert client.get_cookie("session").value not in json.dumps(lines)


@pytest.mark.parametrize("for_terminal", [True, False])
def test_a_traceback_does_not_show_what_variables_hold(for_terminal):
    def fail(password):
        raise RuntimeError

    try:
        fail("yranac"[::-1])
    except RuntimeError:
        record = logging.LogRecord("portal", 40, "", 1, "Failed", (), sys.exc_info())

    written = logs.formatter(for_terminal=for_terminal).format(record)

    assert "RuntimeError" in written
    assert "canary" not in written


def test_other_programs_lines_look_the_same(lines):
    with structlog.contextvars.bound_contextvars(request_id="of-this-request"):
        logging.getLogger("somebody.else").warning("%s happened", "Something")

    assert lines[0]["event"] == "Something happened"
    assert lines[0]["level"] == "warning"
    assert lines[0]["request_id"] == "of-this-request"


def test_a_server_writes_only_json(portal_server, page):
    portal_server.sign_in(page, portal_server.add(people.ALICE))
    page.goto("/dial?number=036130262422")

    written = [json.loads(line) for line in portal_server.log.read_text().splitlines()]

    assert "/dial" in [line.get("path") for line in written]
    assert "30262422" not in portal_server.log.read_text()
