"""Phone systems that do not answer get a pause, and one call tries them."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import event, select

from portal import calls, phone_systems, phones
from portal.database import now
from portal.dialing.outcome import OUTCOMES, Outcome
from portal.dialing.sign import Sign, sign_of
from portal.errors import BusyError, NotFoundError
from portal.extensions import config, db
from portal.identity import of_login
from portal.models import AuditEvent, CallState, PhoneSystem, User
from portal.phone_systems import Condition
from portal.phones import Draft
from tests.support.calls import as_it_is, hold_back, make_call
from tests.support.databases import on_sqlite
from tests.support.faults import answers, hangs_up, never_answers, phone_system_that
from tests.support.processes import wait_for
from tests.support.targets import allow_target_of
from tests.support.trying import try_at_once

SLACK = 5.0
"""Seconds that a loaded machine may take longer than the portal promises."""

TARGET = "pbx.example:443"
REFUSED = Outcome("connection-refused")
ACCEPTED = Outcome("accepted", 200)
SIGNS = {
    "accepted": Sign.ALIVE,
    "credentials": Sign.ALIVE,
    "not-found": Sign.ALIVE,
    "redirect-not-followed": Sign.ALIVE,
    "reported-failure": Sign.ALIVE,
    "request-refused": Sign.ALIVE,
    "address-never-allowed": Sign.NONE,
    "bad-url": Sign.NONE,
    "busy": Sign.NONE,
    "credentials-paused": Sign.NONE,
    "lost": Sign.NONE,
    "not-on-allow-list": Sign.NONE,
    "paused": Sign.NONE,
    "port-not-allowed": Sign.NONE,
    "stopped": Sign.NONE,
    "url-too-long": Sign.NONE,
}
"""What the outcomes say that are no failures of the phone system; all others are."""


@pytest.fixture(autouse=True)
def _in_context(app):
    with app.app_context():
        yield


def fail(times=1, outcome=REFUSED, target=TARGET):
    for _ in range(times):
        admission = phone_systems.admit(target)
        assert admission, "no call is sent"
        phone_systems.learn(admission, outcome)


def later(seconds):
    return time_machine.travel(now() + timedelta(seconds=seconds), tick=False)


def admitted():
    """Let a call be sent whose outcome comes later."""
    admission = phone_systems.admit(TARGET)
    assert admission
    return admission


def state(target=TARGET):
    system = db.session.scalar(select(PhoneSystem).where(PhoneSystem.target == target))
    found = system and phone_systems.condition(system)
    db.session.rollback()
    return found


@pytest.mark.parametrize("kind", OUTCOMES)
def test_every_outcome_says_something_about_the_phone_system(kind):
    assert sign_of(Outcome(kind)) is SIGNS.get(kind, Sign.FAILING)


# The pause


def test_a_phone_system_that_answers_leaves_no_trace():
    fail(10, ACCEPTED)

    assert phone_systems.overview() == []


def test_after_five_failures_in_a_row_no_call_is_sent():
    fail(4)
    assert state() is Condition.FAILING

    fail()

    assert state() is Condition.PAUSED
    assert phone_systems.admit(TARGET) is None
    assert phone_systems.admit("other.example:443")


@pytest.mark.parametrize("kind", [kind for kind, sign in SIGNS.items() if sign is Sign.ALIVE])
def test_whatever_is_answered_begins_the_count_anew(kind):
    fail(4)
    fail(1, Outcome(kind))

    fail(4)

    assert state() is Condition.FAILING


@pytest.mark.parametrize("kind", [kind for kind, sign in SIGNS.items() if sign is Sign.NONE])
def test_what_was_not_asked_neither_fails_nor_answers(kind):
    fail(4)
    fail(3, Outcome(kind))
    assert state() is Condition.FAILING

    fail()

    assert state() is Condition.PAUSED


@pytest.mark.parametrize("seconds", [0, 17.5])
def test_whoever_calls_in_the_pause_is_told_when_the_next_try_is(seconds):
    with later(0):
        fail(5)
        with (
            later(seconds),
            pytest.raises(BusyError, match=f"The next try is in {30 - int(seconds)} seconds"),
        ):
            phone_systems.check(TARGET)


def test_before_and_after_the_pause_nothing_is_refused():
    fail(4)
    phone_systems.check(TARGET)
    fail()

    with later(31):
        phone_systems.check(TARGET)


def test_after_the_pause_one_call_tries():
    fail(5)

    with later(31):
        assert phone_systems.admit(TARGET).is_probe
        assert phone_systems.admit(TARGET) is None
        assert state() is Condition.TRYING
        with pytest.raises(BusyError, match="Another call is trying it"):
            phone_systems.check(TARGET)


def test_a_success_ends_it():
    fail(5)

    with later(31):
        fail(1, ACCEPTED)

        assert state() is None
        fail(4)
        assert state() is Condition.FAILING


def test_each_failed_try_doubles_the_pause_up_to_the_longest():
    pauses = []
    fail(5)
    for _ in range(6):
        system = db.session.scalars(select(PhoneSystem)).one()
        pauses.append(system.pause)
        begin = system.paused_until or now()
        db.session.rollback()
        with time_machine.travel(begin - timedelta(seconds=1), tick=False):
            assert phone_systems.admit(TARGET) is None
        with time_machine.travel(begin + timedelta(seconds=1), tick=False):
            fail()

    assert pauses == [30, 60, 120, 240, 300, 300]


def test_calls_that_were_under_way_when_the_pause_began_do_not_lengthen_it():
    under_way = [admitted() for _ in range(8)]

    for admission in under_way:
        phone_systems.learn(admission, Outcome("answer-timeout"))

    system = db.session.scalars(select(PhoneSystem)).one()
    assert (system.failures, system.pause) == (8, 30)


def test_a_call_that_succeeds_although_the_pause_has_begun_ends_it():
    fail(4)
    under_way = admitted()
    fail()

    phone_systems.learn(under_way, ACCEPTED)

    assert phone_systems.admit(TARGET)


def test_a_try_that_was_not_sent_leaves_the_next_call_to_try():
    fail(5)

    with later(31):
        fail(1, Outcome("not-on-allow-list"))

        assert phone_systems.admit(TARGET).is_probe


def test_a_try_whose_process_died_does_not_block_for_ever():
    fail(5)

    with later(31):
        assert phone_systems.admit(TARGET).is_probe
    with later(31 + 19):
        assert phone_systems.admit(TARGET) is None
    with later(31 + 21):
        assert phone_systems.admit(TARGET).is_probe


def test_all_numbers_are_settings(make_app):
    settings = {"breaker_failures": 2, "breaker_pause": 7, "breaker_longest": 10}
    with make_app(**settings).app_context():
        fail(2)
        assert phone_systems.overview()[0].pause == 7
        db.session.rollback()
        with later(8):
            fail()
        assert phone_systems.overview()[0].pause == 10


def test_a_healthy_call_costs_one_read():
    statements = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    checkouts = []
    event.listen(db.engine, "checkout", lambda *args: checkouts.append(args))

    fail(1, ACCEPTED)

    assert (statements, len(checkouts)) == ([], 1)  # one, past the session


# Over processes and restarts


def test_the_pause_holds_in_every_process(make_app):
    fail(5)

    with make_app().app_context():
        assert phone_systems.admit(TARGET) is None


def test_failures_that_come_together_are_all_counted(app):
    admissions = [admitted() for _ in range(12)]

    def learn(admission):
        with app.app_context():
            phone_systems.learn(admission, REFUSED)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(learn, admissions))

    assert db.session.scalars(select(PhoneSystem)).one().failures == 12


def test_of_several_processes_one_call_tries(app):
    fail(5)
    system = db.session.scalars(select(PhoneSystem)).one()
    system.paused_until = now()
    db.session.commit()
    spawn = multiprocessing.get_context("spawn")
    ready, go, sent = spawn.Semaphore(0), spawn.Event(), spawn.Semaphore(0)
    arguments = (app.extensions["config"], TARGET, ready, go, sent)
    processes = [spawn.Process(target=try_at_once, args=arguments) for _ in range(2)]

    for process in processes:
        process.start()
    for _ in processes:
        assert ready.acquire(timeout=60)
    go.set()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0

    assert sent.acquire(block=False)
    assert not sent.acquire(block=False)


# Try now


def test_an_administrator_can_end_the_pause():
    fail(5)

    phone_systems.try_now(phone_systems.overview()[0].id)

    assert state() is Condition.READY
    assert phone_systems.admit(TARGET).is_probe
    assert phone_systems.admit(TARGET) is None
    audited = db.session.scalars(select(AuditEvent)).one()
    assert (audited.action, audited.subject) == ("phone-system.try", TARGET)


def test_what_answers_again_needs_no_try():
    fail(5)
    system_id = phone_systems.overview()[0].id
    db.session.rollback()
    with later(31):
        fail(1, ACCEPTED)

    with pytest.raises(NotFoundError):
        phone_systems.try_now(system_id)


# Real calls


def default_phone(system):
    url = system.url()
    allow_target_of(url)
    phones.save_default(Draft("Desk phones", url))
    return f"127.0.0.1:{system.port}"


@pytest.mark.parametrize("fault", [hangs_up, answers(503)], ids=["hangs up", "503"])
def test_a_phone_system_that_fails_is_left_alone(alice, fault):
    with phone_system_that(fault) as system:
        default_phone(system)
        for number in range(201, 206):
            assert make_call(alice.login, str(number)).state in {
                CallState.FAILED,
                CallState.UNKNOWN,
            }

        with pytest.raises(BusyError, match="The next try is in"):
            make_call(alice.login, "207")

        assert len(system.requests) == 5


def test_the_preview_says_that_there_is_a_pause(alice, ada):
    with phone_system_that(hangs_up) as system:
        target = default_phone(system)
        fail(5, target=target)

        for login, mend in ((alice.login, "time"), (ada.login, "status")):
            who = of_login(login)
            plan = calls.plan(who, "201", phones.for_caller(who))
            assert [(problem.error.kind, problem.mend) for problem in plan.problems] == [
                ("paused", mend)
            ]


def test_a_call_that_was_on_its_way_when_the_pause_began_is_not_sent(app, alice, monkeypatch):
    with phone_system_that(hangs_up) as system:
        target = default_phone(system)
        waiting = hold_back(app, monkeypatch)
        caller = of_login(alice.login)
        call_id = calls.place(caller, "201", "", calls.new_click_token()).call.id
        db.session.rollback()
        fail(5, target=target)

        waiting[0].run()

        assert as_it_is(call_id).outcome == "paused"
        assert system.connections == 0


def test_a_phone_system_that_answers_again_is_used_again(alice):
    with phone_system_that(answers(200)) as system:
        target = default_phone(system)
        fail(5, target=target)
        phone_systems.try_now(phone_systems.overview()[0].id)
        db.session.rollback()

        assert make_call(alice.login, "201").state is CallState.ACCEPTED
        assert make_call(alice.login, "202").state is CallState.ACCEPTED

        assert phone_systems.overview() == []


@on_sqlite
def test_fifty_calls_at_a_phone_system_that_hangs(app, alice):
    """Four are on their way, the others are told so; other phone systems and pages go on."""
    with phone_system_that(never_answers) as dead, phone_system_that(answers(200)) as well:
        default_phone(dead)
        allow_target_of(well.url())
        own = phones.create(alice.id, Draft("Branch office", well.url()))
        own_key = str(own.id)
        db.session.add_all(User(login=f"user{number}", password_hash="") for number in range(50))
        db.session.commit()
        callers = [of_login(f"user{number}") for number in range(50)]
        db.session.rollback()

        def click(caller):
            with app.app_context():
                return calls.place(caller, "201", "", calls.new_click_token()).call.id

        with ThreadPoolExecutor(10) as browsers:
            call_ids = list(browsers.map(click, callers))
        assert calls.place(
            of_login(alice.login), "201", own_key, calls.new_click_token()
        ).call.state in {CallState.NEW, CallState.SENDING}
        db.session.rollback()
        wait_for(lambda: len(well.requests) == 1, "the other phone system to be asked")
        assert alice.client.get("/").status_code == 200

        def told():
            return [as_it_is(call_id).outcome for call_id in call_ids]

        wait_for(lambda: told().count("busy") == 46, "46 to be told that nothing was sent")
        assert told().count("") == 4
        busy = [call for call in map(as_it_is, call_ids) if call.outcome]
        waited = [(call.changed_at - call.created_at).total_seconds() for call in busy]
        assert max(waited) < config().dial_patience + SLACK
        assert (dead.most_at_once, len(dead.requests)) == (4, 4)
