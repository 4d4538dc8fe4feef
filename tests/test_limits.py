"""How many calls are possible, and when again."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from portal import calls, phones
from portal.audit import Action
from portal.config import Config
from portal.database import now
from portal.dialing.connector import practice
from portal.dialing.template import OpenMode
from portal.errors import TooManyError
from portal.extensions import db
from portal.identity import of_login
from portal.models import AuditEvent, Call, CallState
from portal.phones import Draft
from tests.support.databases import on_sqlite
from tests.support.people import ALICE, BOB, Person
from tests.support.processes import wait_for
from tests.support.targets import allow_target_of

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NO_MATTER = {"calls_in_flight": 100, "calls_per_minute": 100, "calls_per_hour": 100}


@pytest.fixture
def make(make_app):
    """Make an application with limits, and a phone that the browser dials with."""

    def make(**limits):
        app = make_app(**{**NO_MATTER, **limits})
        with app.app_context():
            phones.save_default(Draft("Desk phones", "tel:<#NUMBER#>", OpenMode.CLIENT))
        return app

    return make


def _place(login, number):
    canonical = str(number)
    return calls.place(of_login(login), canonical, "", calls.new_click_token(), confirmed=canonical)


def _refused(login, number):
    with pytest.raises(TooManyError) as refusal:
        _place(login, number)
    return refusal.value


def _people(app):
    return Person(app, ALICE), Person(app, BOB)


def test_the_limits_are_those_of_the_handbook():
    limits = Config()

    assert (limits.calls_per_minute, limits.calls_per_hour) == (10, 60)
    assert (limits.calls_abroad_per_hour, limits.calls_in_flight) == (5, 1)
    assert limits.calls_per_target_and_minute == 60


@pytest.mark.parametrize(
    ("name", "number", "period"),
    [
        ("calls_per_minute", 200, MINUTE),
        ("calls_per_hour", 200, HOUR),
        ("calls_abroad_per_hour", "+43123456{}", HOUR),
    ],
)
def test_beyond_a_limit_it_says_when_the_next_call_is_possible(make, name, number, period):
    app = make(**{name: 3})
    alice, bob = _people(app)

    def numbered(count):
        return number.format(count) if isinstance(number, str) else number + count

    with app.app_context(), time_machine.travel(now(), tick=False) as clock:
        for count in range(3):
            _place(alice.login, numbered(count))
            clock.shift(10)

        refusal = _refused(alice.login, numbered(3))
        assert refusal.retry_after == period.total_seconds() - 30
        assert _place(bob.login, numbered(3)).is_new

        clock.shift(refusal.retry_after - 1)
        _refused(alice.login, numbered(3))
        clock.shift(2)
        assert _place(alice.login, numbered(3)).is_new


def test_calls_abroad_have_a_limit_of_their_own(make):
    app = make(calls_abroad_per_hour=1)
    alice, _bob = _people(app)

    with app.app_context():
        _place(alice.login, "+431234567")
        _refused(alice.login, "+431234568")

        assert _place(alice.login, "201").is_new


def test_the_limits_hold_over_all_processes(make_app, make):
    one = make(calls_per_minute=2)
    other = make_app(**{**NO_MATTER, "calls_per_minute": 2})
    alice, _bob = _people(one)

    with one.app_context():
        _place(alice.login, 201)
    with other.app_context():
        _place(alice.login, 202)
    with one.app_context():
        _refused(alice.login, 203)


def test_a_phone_system_is_not_asked_for_more_calls_than_allowed_by_anybody(make, phone_system):
    phone_system.expect_request("/call").respond_with_data("ok")
    app = make(calls_per_target_and_minute=2)
    alice, bob = _people(app)
    with app.app_context():
        allow_target_of(phone_system.url_for("/"))
        url = phone_system.url_for("/call?n=<#NUMBER#>")
        phones.save_default(Draft("Desk phones", url))
        _place(alice.login, 201)
        _place(bob.login, 202)

        refusal = _refused(alice.login, 203)

        assert 1 <= refusal.retry_after <= 60
        targets = set(db.session.scalars(select(Call.target)))
        assert targets == {f"127.0.0.1:{phone_system.port}"}
        wait_for(_all_settled, "the calls to be made")


def _all_settled():
    return not any(state.in_flight for state in _states())


def _in_flight(login):
    """Make a call and let it be on its way to the phone system."""
    call = db.session.get_one(Call, _place(login, 201).call.id)
    call.state = CallState.SENDING
    db.session.commit()
    return call.id


def test_only_one_call_is_on_its_way_at_a_time(make):
    app = make(calls_in_flight=1)
    alice, bob = _people(app)

    with app.app_context():
        call_id = _in_flight(alice.login)

        refusal = _refused(alice.login, 202)
        assert refusal.kind == "call-under-way"
        assert _place(bob.login, 202).is_new

        calls.advance(call_id, CallState.ACCEPTED)
        assert _place(alice.login, 202).is_new


def test_a_double_click_on_a_call_under_way_is_that_call(make):
    app = make(calls_in_flight=1)
    alice, _bob = _people(app)

    with app.app_context():
        call_id = _in_flight(alice.login)

        again = _place(alice.login, 201)

        assert (again.call.id, again.is_new) == (call_id, False)


def test_a_call_that_was_lost_is_not_waited_for(make):
    app = make(calls_in_flight=1)
    alice, _bob = _people(app)

    with app.app_context():
        _in_flight(alice.login)

        with time_machine.travel(now() + timedelta(minutes=2), tick=False):
            assert _place(alice.login, 202).is_new


def test_the_play_of_the_practice_phone_holds_nobody_up(make_app, monkeypatch):
    monkeypatch.setattr(practice, "PACE", 0.2)
    app = make_app(calls_in_flight=1)
    alice, _bob = _people(app)

    with app.app_context():
        call_id = _place(alice.login, 201).call.id
        wait_for(lambda: not _state(call_id).in_flight, "the play to begin")

        assert _place(alice.login, 202).is_new
        wait_for(lambda: _state(call_id) is CallState.ENDED, "the play to end")
        wait_for(_all_settled, "all calls to settle")


def _states(*conditions):
    """Read how far calls have come, and let others write at once."""
    db.session.rollback()
    states = db.session.scalars(select(Call.state).where(*conditions)).all()
    db.session.rollback()
    return states


def _state(call_id):
    return _states(Call.id == call_id)[0]


@on_sqlite
def test_a_refusal_is_kept_in_the_audit_trail(make):
    app = make(calls_per_minute=1)
    alice, _bob = _people(app)

    with app.app_context():
        _place(alice.login, 2011)
        _refused(alice.login, 2012)

        events = db.session.scalars(
            select(AuditEvent).where(AuditEvent.action == Action.CALL_REFUSED)
        )
        assert [(event.subject, event.facts["reason"]) for event in events] == [
            ("2•••", "too-many-calls")
        ]


@on_sqlite
@pytest.mark.parametrize("htmx", [True, False])
def test_a_page_says_when_calling_is_possible_again(make, htmx):
    app = make(calls_per_hour=1)
    alice, _bob = _people(app)
    answers = [
        alice.client.submit(
            "/dial",
            {"number": number, "phone": "default", "click_token": f"click-0123456789-{number}"},
            htmx=htmx,
        )
        for number in ("201", "202")
    ]

    assert answers[1].status_code == 429
    assert 3590 <= int(answers[1].headers["Retry-After"]) <= 3600
    assert "You can call again in 60 minutes" in answers[1].text
