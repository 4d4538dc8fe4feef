"""The services for phone systems: what a call token opens, and that nothing else does."""

import re
from datetime import timedelta

import pytest
import time_machine

from portal import accounts, calls, phones
from portal.database import now
from portal.dialing.template import OpenMode
from portal.extensions import db
from portal.identity import of_login, token_hash
from portal.models import Call, CallState, User
from portal.phones import Draft
from tests.support.databases import on_sqlite

CANARY = "canary-cti-pass"
SAME_FOR_ALL = {
    "status": 401,
    "kind": "bad-token",
    "detail": (
        "There is no valid call token in the request. It may be too old, or its call is over."
    ),
}


class Dialled:
    """A call that was handed to the browser, and the phone system that got its token."""

    def __init__(self, app, person, url="sip:<#NUMBER#>?t=<#SESSID#>"):
        draft = Draft("Softphone", url, open_mode=OpenMode.CLIENT, secrets_allowed=True)
        with app.app_context():
            phones.save_default(draft)
            placed = calls.place(of_login(person.login), "201", "", calls.new_click_token())
            self.id, self.token = placed.call.id, placed.url.rpartition("=")[2]
        self._app = app
        self._client = app.test_client()
        self.bearer = {"Authorization": f"Bearer {self.token}"}

    def get(self, path, **kwargs):
        return self._client.get(f"/api/v1{path}", headers=self.bearer, **kwargs)

    def report(self, event, cause="", **kwargs):
        fields = {"event": event, "cause": cause}
        path = f"/api/v1/calls/{self.id}/events"
        return self._client.post(path, headers=self.bearer, json=fields, **kwargs)

    def row(self):
        with self._app.app_context():
            return db.session.get_one(Call, self.id)


@pytest.fixture
def call(app, alice):
    return Dialled(app, alice)


# The token


def test_a_token_has_256_bits_and_only_its_hash_is_kept(call):
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", call.token)
    assert call.row().token_hash == token_hash(call.token)


def test_a_call_has_no_token_if_its_url_needs_none(app, alice):
    assert Dialled(app, alice, "sip:<#NUMBER#>").row().token_hash is None


def test_it_tells_who_calls_and_never_a_password(app, alice, call):
    with app.app_context():
        accounts.change_cti(alice.id, cti_user="al", cti_pass=CANARY, cti_phone="192.0.2.17")

    answer = call.get("/session")

    assert answer.json == {
        "call_id": call.id,
        "user_id": alice.id,
        "name": "Alice Ärmel & Söhne",
        "record": {
            "login": "alice",
            "title": "Dr.",
            "firstname": "Alice",
            "surname": "Ärmel & Söhne",
            "email": "alice@example.org",
            "phone": "+49 361 30262-101",
            "mobile": "+49 171 1234567",
            "fax": "+49 361 30262-109",
            "department": "Sales",
            "position": "Head of Sales",
            "location": "Erfurt",
        },
        "cti_user": "al",
        "cti_phone": "192.0.2.17",
    }
    assert CANARY not in answer.text


def test_it_tells_how_far_the_call_has_come(call):
    answer = call.get(f"/calls/{call.id}").json

    assert {**answer, "created_at": "", "times": ""} == {
        "id": call.id,
        "number": "201",
        "phone": "Softphone",
        "state": "handed_over",
        "cause": "",
        "created_at": "",
        "times": "",
    }
    assert list(answer["times"]) == ["handed_over"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer " + "A" * 43},
        {"Authorization": "Bearer " + "Ä" * 43},
        {"Authorization": "Basic YTpi"},
    ],
)
def test_whatever_is_wrong_with_a_token_the_answer_is_the_same(client, call, headers):
    for path in ("/session", f"/calls/{call.id}", "/calls/no-such-call"):
        answer = client.get(f"/api/v1{path}", headers=headers)
        assert (answer.status_code, answer.json) == (401, SAME_FOR_ALL)
        assert answer.mimetype == "application/problem+json"
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="call"'


def test_a_token_in_the_address_counts_nothing(client, call):
    assert client.get(f"/api/v1/session?token={call.token}").status_code == 401


def test_a_session_opens_nothing_here_and_gets_no_cookie(alice, call):
    answer = alice.client.get("/api/v1/session")

    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/calls", "/settings/security", "/admin/users"])
def test_a_token_opens_nothing_else(client, call, path):
    answer = client.get(path, headers=call.bearer)

    assert answer.location.startswith("/login")


def test_a_token_opens_no_other_call(app, call, alice, bob):
    for other in (Dialled(app, bob).id, "no-such-call"):
        answer = call.get(f"/calls/{other}")
        assert (answer.status_code, answer.json["kind"]) == (404, "no-call")
        assert answer.json["detail"] == "The token belongs to no call with this id."


def test_a_token_is_valid_for_ten_minutes(call):
    with time_machine.travel(now() + timedelta(seconds=570), tick=False):
        assert call.get("/session").status_code == 200
    with time_machine.travel(now() + timedelta(seconds=605), tick=False):
        assert call.get("/session").json == SAME_FOR_ALL
        assert call.report("ringing").json == SAME_FOR_ALL


@on_sqlite
def test_how_long_it_is_valid_is_a_setting(make_app, alice):
    call = Dialled(make_app(call_token_lifetime=60), alice)

    with time_machine.travel(now() + timedelta(seconds=65)):
        assert call.get("/session").status_code == 401


@pytest.mark.parametrize("state", [CallState.ENDED, CallState.FAILED])
def test_a_token_dies_with_its_call(app, call, state):
    with app.app_context():
        db.session.get_one(Call, call.id).state = state
        db.session.commit()

    assert call.get("/session").json == SAME_FOR_ALL
    assert call.get(f"/calls/{call.id}").json == SAME_FOR_ALL


def test_a_token_dies_with_its_user(app, alice, call):
    with app.app_context():
        db.session.get_one(User, alice.id).active = False
        db.session.commit()

    assert call.get("/session").json == SAME_FOR_ALL
    assert call.report("ringing").json == SAME_FOR_ALL


# Reports


def test_a_call_moves_on_as_the_phone_system_reports(call):
    states = [call.report(event).json["state"] for event in ("ringing", "answered", "ended")]

    assert states == ["ringing", "answered", "ended"]
    assert list(call.row().times) == ["handed_over", "ringing", "answered", "ended"]


def test_what_comes_twice_changes_nothing(call):
    first, second = call.report("ringing"), call.report("ringing")

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json == second.json


def test_what_comes_late_changes_nothing_even_after_the_end(call):
    call.report("answered")
    ended = call.report("ended", "normal").json

    for event, cause in (("ringing", ""), ("answered", ""), ("ended", "busy")):
        answer = call.report(event, cause)
        assert (answer.status_code, answer.json) == (200, ended)


def test_the_cause_is_kept_in_one_spelling(call):
    assert call.report("ended", "NO_USER_RESPONSE").json["cause"] == "no-answer"
    assert call.row().cause == "no-answer"


@pytest.mark.parametrize(("cause", "kept"), [(17, "busy"), ("<b>sunspots", "unknown"), ("", "")])
def test_any_cause_is_taken(call, cause, kept):
    assert call.report("ended", cause).json["cause"] == kept


def test_a_cause_belongs_to_the_end(call):
    assert call.report("ringing", "busy").json["cause"] == ""


def test_a_form_does_as_well_and_can_hold_the_token(client, call):
    path = f"/api/v1/calls/{call.id}/events"

    answer = client.post(path, data={"event": "ringing", "token": call.token})

    assert (answer.status_code, answer.json["state"]) == (200, "ringing")


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"json": {"event": "melting"}}, 422, "bad-event"),
        ({"json": {"event": ["ringing"]}}, 422, "not-text"),
        ({"json": {"event": "ended", "cause": True}}, 422, "not-text"),
        ({"json": {"event": "ended", "token": 17}}, 422, "not-text"),
        ({"json": {}}, 422, "bad-event"),
        ({"json": ["ringing"]}, 400, "bad-request"),
        ({"data": "{", "content_type": "application/json"}, 400, "bad-request"),
        ({"data": "[" * 16_000, "content_type": "application/json"}, 400, "bad-request"),
        ({"data": "ringing", "content_type": "text/plain"}, 415, "unsupported-media-type"),
        ({"data": {"event": "x" * 17_000}}, 413, "request-entity-too-large"),
        ({}, 422, "bad-event"),
    ],
)
def test_what_cannot_be_understood_is_refused_in_words(client, call, body, status, kind):
    answer = client.post(f"/api/v1/calls/{call.id}/events", headers=call.bearer, **body)

    assert (answer.status_code, answer.json["status"], answer.json["kind"]) == (
        status,
        status,
        kind,
    )
    assert answer.json["detail"].endswith((".", "?"))
    assert call.row().state is CallState.HANDED_OVER


def test_unknown_addresses_and_methods_are_answered_in_json(client):
    missing, wrong = client.get("/api/v1/nothing"), client.delete("/api/v1/session")

    assert (missing.status_code, missing.json["kind"]) == (404, "not-found")
    assert (wrong.status_code, wrong.json["kind"]) == (405, "method-not-allowed")
    assert "GET" in wrong.headers["Allow"]


@on_sqlite
def test_guessing_tokens_is_slowed_down_and_good_ones_are_not_counted(make_app, alice):
    app = make_app(bad_tokens=3)
    call, guesser = Dialled(app, alice), app.test_client()

    for _ in range(5):
        assert call.get("/session").status_code == 200
    answers = [guesser.get("/api/v1/session") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert answers[-1].json["kind"] == "too-many-requests"
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 61


@on_sqlite
def test_one_address_cannot_ask_without_end(make_app, alice):
    call = Dialled(make_app(api_requests=2), alice)

    assert [call.get("/session").status_code for _ in range(3)] == [200, 200, 429]
