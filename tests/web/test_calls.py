"""The list of own calls, the file made of it, and the card of one."""

import csv
import re
from datetime import timedelta

import pytest
import time_machine

from portal import calls, phones
from portal.database import now
from portal.dialing.cause import read
from portal.dialing.outcome import OUTCOMES, Outcome
from portal.dialing.template import OpenMode
from portal.extensions import db
from portal.identity import of_login
from portal.models import Call, CallState
from portal.phones import Draft


@pytest.fixture
def called(app):
    """Lets somebody call a number and returns the id of the call."""

    def call(person, number="201", **changes):
        with app.app_context():
            if phones.default() is None:
                phones.save_default(Draft("Desk", "callto:<#NUMBER#>", open_mode=OpenMode.CLIENT))
            placed = calls.place(of_login(person.login), number, "", calls.new_click_token())
            stored = db.session.get_one(Call, placed.call.id)
            for name, value in changes.items():
                setattr(stored, name, value)
            db.session.commit()
            return placed.call.id

    return call


@pytest.fixture
def sent(called):
    """A call that our server makes, in some state."""

    def call(person, state=CallState.NEW, connector="http", **changes):
        return called(
            person, state=state, connector=connector, open_mode=OpenMode.SERVER, **changes
        )

    return call


def _numbers(page):
    return re.findall(r'data-label="Number"><a class="number" href="/dial\?number=([^"]+)"', page)


# The list


def test_own_calls_are_listed_newest_first_each_with_its_page(alice, bob, called):
    first, second = called(alice, "201"), called(alice, "202")
    called(bob, "203")

    page = alice.client.get("/calls").text

    assert _numbers(page) == ["202", "201"]
    assert page.index(f'href="/calls/{second}"') < page.index(f'href="/calls/{first}"')
    assert "2 calls" in page


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"q": "20"}, ["202", "201"]),
        ({"q": "202"}, ["202"]),
        ({"state": "failed"}, ["202"]),
        ({"state": "success", "period": "today"}, ["201"]),
        ({"state": "nonsense", "period": "nonsense", "page": "nonsense"}, ["202", "201"]),
    ],
)
def test_calls_can_be_filtered(alice, called, query, numbers):
    called(alice, "201")
    called(alice, "202", state=CallState.FAILED, outcome="not-found")

    assert _numbers(alice.client.get("/calls", query_string=query).text) == numbers
    fragment = alice.client.get("/calls", query_string=query, htmx=True).text
    assert _numbers(fragment) == numbers
    assert "<html" not in fragment


def test_empty_list_says_what_to_do_first(alice, called):
    assert "Call somebody" in alice.client.get("/calls").text

    called(alice)

    assert "No call found" in alice.client.get("/calls?q=4711").text


def test_long_lists_have_pages_that_keep_the_search(alice, called):
    for number in range(201, 253):
        called(alice, str(number))

    first = alice.client.get("/calls?q=2").text
    second = alice.client.get("/calls?q=2&page=2").text

    assert (len(_numbers(first)), len(_numbers(second))) == (50, 2)
    assert 'href="/calls?q=2&amp;page=2"' in first


def test_file_has_the_calls_that_were_found_and_no_formula(alice, bob, called):
    called(alice, "+4936130262422")
    called(alice, "202")
    called(bob, "203")

    response = alice.client.get("/calls.csv?q=0361")

    assert response.mimetype == "text/csv"
    assert "attachment" in response.headers["Content-Disposition"]
    header, *rows = csv.reader(response.text.lstrip("\ufeff").splitlines(), delimiter=";")
    assert header[:4] == ["Time", "Number", "Phone", "State"]
    assert [row[1:4] for row in rows] == [["'+4936130262422", "Desk", "handed over"]]


# One call


def test_a_call_has_a_page_with_its_facts(alice, called):
    page = alice.client.get(f"/calls/{called(alice)}").text

    assert "Call to 201" in page
    assert "<code>callto:201</code>" in page
    assert 'href="tel:201"' in page


def test_other_peoples_and_unknown_calls_are_not_found(alice, bob, called):
    call_id = called(bob)

    assert alice.client.get(f"/calls/{call_id}").status_code == 404
    assert alice.client.get("/calls/no-such-call").status_code == 404


def test_a_card_that_knows_the_state_is_told_nothing_new(alice, sent):
    call_id = sent(alice, CallState.SENDING)

    for seen, htmx, status in (
        ("seen=sending&pace=1", True, 204),
        ("seen=sending&pace=5", True, 200),
        ("seen=new&pace=1", True, 200),
        ("seen=sending&pace=1", False, 200),
    ):
        assert alice.client.get(f"/calls/{call_id}?{seen}", htmx=htmx).status_code == status


@pytest.mark.parametrize(
    ("state", "connector", "asks_again"),
    [
        ("new", "http", True),
        ("sending", "http", True),
        ("accepted", "http", False),
        ("failed", "http", False),
        ("unknown", "http", False),
        ("handed_over", "http", False),
        ("accepted", "practice", True),
        ("answered", "practice", True),
        ("ended", "practice", False),
    ],
)
def test_a_card_asks_for_news_until_nothing_more_will_come(
    alice, sent, state, connector, asks_again
):
    call_id = sent(alice, CallState(state), connector, outcome="not-found")

    card = alice.client.get(f"/calls/{call_id}", htmx=True).text

    assert f'data-call-state="{state}"' in card
    assert ('hx-trigger="every 1s"' in card) == asks_again
    page = alice.client.get(f"/calls/{call_id}").text
    assert ('http-equiv="refresh"' in page) == asks_again


@pytest.mark.parametrize("kind", [kind for kind in OUTCOMES if kind != "accepted"])
def test_a_card_says_in_words_what_went_wrong_and_what_to_do(alice, sent, kind):
    meaning = OUTCOMES[kind]
    call_id = sent(alice, CallState(Outcome(kind).verdict), outcome=kind)

    card = alice.client.get(f"/calls/{call_id}", htmx=True).text

    assert meaning.happened in card
    assert meaning.next_step in card
    assert ("Nothing was sent." in card) != meaning.was_sent
    assert f'<li class="{meaning.verdict}" aria-current="step">' in card
    assert "Accepted" not in card


@pytest.mark.parametrize(
    ("changes", "happened", "action"),
    [
        ({}, "to a program on this computer", "Open in phone program"),
        ({"masked_url": "https://x/201"}, "in place of this page", "Open in this window"),
        ({"open_mode": OpenMode.WINDOW}, "in a new window", "Open in a new window"),
    ],
)
def test_a_call_handed_over_says_what_opens_it(alice, called, changes, happened, action):
    call_id = called(alice, **changes)

    card = alice.client.get(f"/calls/{call_id}", htmx=True).text

    assert happened in card
    assert action in card


def test_status_of_a_refusal_is_shown(alice, sent):
    call_id = sent(alice, CallState.FAILED, outcome="server-error", status_code=503)

    assert "It answered with status 503." in alice.client.get(f"/calls/{call_id}").text


def test_practice_call_says_that_nothing_was_sent_and_shows_what_would_have_been(alice, sent):
    call_id = sent(alice, CallState.RINGING, "practice", phone_name="Practice phone")

    card = alice.client.get(f"/calls/{call_id}", htmx=True).text

    assert "Practice phone: nothing was sent." in card
    assert '<p class="url-box">callto:201</p>' in card
    assert '<li class="current" aria-current="step">ringing' in card
    assert ">sent" not in card


def test_copied_url_is_named_masked_if_it_hides_something(alice, sent):
    plain, masked = sent(alice, masked_url="https://pbx.example/?n=201"), None
    assert "Copy URL" in alice.client.get(f"/calls/{plain}").text

    masked = sent(alice, state=CallState.FAILED, outcome="lost", masked_url="https://x/?p=•••")

    assert "Copy masked URL" in alice.client.get(f"/calls/{masked}").text


def test_calls_are_for_the_signed_in_only(client, alice, called):
    call_id = called(alice)

    for path in ("/calls", "/calls.csv", f"/calls/{call_id}"):
        assert client.get(path).status_code == 303


# What phone systems report


@pytest.fixture
def reported(app, called):
    """A call whose phone system got a token, after what it has reported."""

    def report(person, *reports, cause="", open_mode=OpenMode.SERVER):
        state = CallState.ACCEPTED if open_mode is OpenMode.SERVER else CallState.HANDED_OVER
        call_id = called(person, state=state, open_mode=open_mode, token_hash="0" * 64)
        with app.app_context():
            for state in reports:
                calls.advance(call_id, CallState(state), cause=read(cause) if cause else None)
        return call_id

    return report


def _line(card):
    """Return the states that a card shows, each with how it is marked."""
    items = re.findall(r'<li(?: class="(\w+)")?[^>]*>([\w ]+)', card)
    return [f"{word.strip()} {mark}".strip() for mark, word in items]


@pytest.mark.parametrize(
    ("reports", "cause", "shown"),
    [
        ("", "", "sent done, accepted done: Accepted by the phone system."),
        ("ringing", "", "sent done, ringing current, connected, ended: It is ringing."),
        ("answered", "", "sent done, connected current, ended: The call is connected."),
        ("ended", "17", "sent done, ended done: The line was busy."),
        ("ringing ended", "noAnswer", "sent done, ringing done, ended done: Nobody answered."),
        (
            "ringing answered ended",
            "normal",
            "sent done, ringing done, connected done, ended done: The call has ended.",
        ),
    ],
)
def test_a_card_shows_what_is_reported(alice, reported, reports, cause, shown):
    line, happened = shown.split(": ")

    card = alice.client.get(f"/calls/{reported(alice, *reports.split(), cause=cause)}", htmx=True)

    assert _line(card.text) == line.split(", ")
    assert happened in card.text


def test_a_call_handed_over_is_followed_as_well(alice, reported):
    call_id = reported(alice, "ringing", open_mode=OpenMode.CLIENT)

    card = alice.client.get(f"/calls/{call_id}", htmx=True).text

    assert _line(card) == ["handed over done", "ringing current", "connected", "ended"]


@pytest.mark.parametrize(
    ("reports", "age", "pace"),
    [
        ([], timedelta(seconds=50), 1),
        ([], timedelta(seconds=70), 5),
        (["answered"], timedelta(minutes=9), 5),
        (["answered"], timedelta(minutes=11), None),
        (["answered", "ended"], timedelta(0), None),
    ],
)
def test_a_call_is_followed_as_long_as_its_token_lasts_and_less_and_less_often(
    alice, reported, reports, age, pace
):
    path = f"/calls/{reported(alice, *reports)}"

    with time_machine.travel(now() + age, tick=False):
        card = alice.client.get(path, htmx=True).text

    assert re.findall(r'hx-trigger="every (\d)s"', card) == ([str(pace)] if pace else [])


def test_a_card_says_that_the_end_was_not_reported(alice, reported):
    path = f"/calls/{reported(alice, 'answered')}"

    with time_machine.travel(now() + timedelta(minutes=11)):
        card = alice.client.get(path, htmx=True).text

    assert "The phone system has not reported how it went on." in card
    assert _line(card) == ["sent done", "connected done", "ended"]


def test_a_file_says_why_calls_ended(alice, reported):
    reported(alice, "ringing", "ended", cause="busy")

    (_header, row) = alice.client.get("/calls.csv").text.splitlines()

    assert "The line was busy." in row
