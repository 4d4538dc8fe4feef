"""What people did is kept as long as administrators say, and no longer than a day beyond."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from portal import retention, sessions
from portal.database import now
from portal.dialing.template import OpenMode
from portal.errors import InvalidError
from portal.extensions import db
from portal.models import AuditEvent, Call, CallState, UserSession
from portal.retention import Periods
from tests.support import people, schema, server
from tests.support.databases import on_sqlite
from tests.support.processes import wait_for

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def call_of(person, made_at, state=CallState.ENDED, *, commit=True):
    """Write a call down without making it."""
    call = Call(
        user_id=person.id,
        click_token=uuid.uuid4().hex,
        number="036130262422",
        phone_name="Desk",
        connector="http",
        open_mode=OpenMode.SERVER,
        masked_url="https://pbx.example/036130262422",
        state=state,
        created_at=made_at,
        changed_at=made_at,
    )
    db.session.add(call)
    if commit:
        db.session.commit()


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


@on_sqlite
@pytest.mark.parametrize("days", [0, 1, 30, 180])
def test_no_call_is_ever_older_than_it_may_get_and_a_day(app, alice, days):
    with app.app_context(), time_machine.travel(START, tick=False) as clock:
        retention.change(Periods(calls=days))
        made = [START + timedelta(hours=hour) for hour in range(0, (days + 4) * 24, 5)]
        for moment in made:
            call_of(alice, moment, commit=False)
        db.session.commit()
        for hour in range(max(0, days - 1) * 24, (days + 4) * 24, 5):
            clock.move_to(START + timedelta(hours=hour))
            oldest = db.session.scalars(select(Call).order_by(Call.created_at)).first()
            assert now() - oldest.created_at <= timedelta(days=days + 1)
            db.session.rollback()

            retention.purge_if_due()

            kept = max(timedelta(days=days), timedelta(hours=1))
            assert count(Call) == sum(now() - moment <= kept for moment in made)


def test_calls_are_kept_thirty_days_if_nobody_says_otherwise(app, alice):
    with app.app_context():
        call_of(alice, now() - timedelta(days=29, hours=23))
        call_of(alice, now() - timedelta(days=30, minutes=1))

        assert retention.purge() == 1
        assert count(Call) == 1


def test_what_the_trail_says_of_calls_goes_with_the_calls(app):
    with app.app_context():
        for action, days in (("call.placed", 31), ("call.placed", 29), ("user.added", 31)):
            db.session.add(AuditEvent(action=action, at=now() - timedelta(days=days)))
        db.session.add(AuditEvent(action="user.added", at=now() - timedelta(days=366)))
        db.session.commit()

        assert retention.purge() == 2
        left = db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.action))
        assert left.all() == ["call.placed", "user.added"]


def test_a_call_under_way_is_never_deleted(app, alice):
    with app.app_context():
        retention.change(Periods(calls=0))
        call_of(alice, now() - timedelta(hours=2), CallState.SENDING)

        assert retention.purge() == 1, "a call that was lost has come to its end"

        call_of(alice, now(), CallState.SENDING)
        assert retention.purge() == 0


def test_many_rows_are_deleted_in_pieces(app, alice, monkeypatch):
    monkeypatch.setattr(retention, "_BATCH", 2)
    with app.app_context():
        for days in range(40, 45):
            call_of(alice, now() - timedelta(days=days))

        assert retention.purge() == 5
        assert count(Call) == 0


def test_sessions_that_are_over_are_forgotten_with_their_addresses(app, alice):
    alice.new_client()
    alice.new_client()
    with app.app_context():
        old = db.session.scalars(select(UserSession)).first()
        old.last_used_at = now() - timedelta(days=1)
        db.session.commit()

        retention.purge()

        assert len(sessions.of_user(alice.id)) == count(UserSession) == 1


@pytest.mark.parametrize(
    ("periods", "field"),
    [
        (Periods(calls=-1), "calls"),
        (Periods(calls=181), "calls"),
        (Periods(audit=29), "audit"),
        (Periods(audit=3651), "audit"),
    ],
)
@on_sqlite
def test_periods_beyond_the_limits_are_refused(app, periods, field):
    with app.app_context():
        with pytest.raises(InvalidError) as refusal:
            retention.change(periods)

        assert refusal.value.field == field
        assert retention.periods() == Periods()


def test_the_work_is_done_once_an_hour_and_at_once_after_a_change(app):
    with time_machine.travel(START, tick=False) as clock, app.app_context():
        assert retention.purge_if_due() is not None
        assert retention.purge_if_due() is None

        clock.shift(timedelta(minutes=59))
        assert retention.purge_if_due() is None

        clock.shift(timedelta(minutes=2))
        assert retention.purge_if_due() is not None

        retention.change(Periods(calls=7))
        assert retention.purge_if_due() is not None


def test_a_clock_that_was_set_back_stops_nothing(app):
    with time_machine.travel(START, tick=False) as clock, app.app_context():
        retention.purge_if_due()

        clock.shift(timedelta(days=-2))

        assert retention.purge_if_due() is not None


def test_of_several_processes_one_takes_the_turn(make_app):
    def ask(app):
        with app.app_context():
            return retention.purge_if_due() is not None

    apps = [make_app() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            with apps[0].app_context():
                retention.change(Periods())

            assert sum(pool.map(ask, apps)) == 1


def test_a_portal_that_nobody_uses_deletes_all_the_same(tmp_path, sqlite_template):
    schema.copy_sqlite(sqlite_template, tmp_path / "var")
    idle = server.PortalServer(tmp_path / "var", {})
    alice = idle.add(people.ALICE)
    with idle.app.app_context():
        call_of(alice, now() - timedelta(days=31))

    def is_gone():
        with idle.app.app_context():
            return count(Call) == 0

    with idle.serving():
        wait_for(is_gone, "the old call to be deleted")
    idle.close()


@on_sqlite
def test_the_console_deletes_on_demand(app, alice):
    with app.app_context():
        call_of(alice, now() - timedelta(days=31))

    result = app.test_cli_runner().invoke(args=["purge"])

    assert result.output == "1 entries that were too old are deleted.\n"
