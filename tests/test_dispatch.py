"""The way of calls to their phone systems: few at once, fewer for each target."""

import contextlib
import threading
import time

import pytest
import structlog

from portal.dialing import dispatch
from portal.dialing.dispatch import Capacity, Dispatcher, Job
from portal.errors import BusyError
from tests.support.processes import wait_for

LONG = 60.0
"""More patience than any test has."""


def capacity(**others):
    return Capacity(**{"workers": 8, "per_target": 4, "room": 64, "patience": LONG, **others})


class Calls:
    """Jobs that run until the gate opens, and what became of them."""

    def __init__(self):
        self.gate = threading.Event()
        self.started: list[str] = []
        self.refused: list[str] = []

    def job(self, name, target=""):
        def run():
            self.started.append(name)
            assert self.gate.wait(LONG)

        return Job(run, lambda: self.refused.append(name), target)

    def wait_until_started(self, *names):
        wait_for(lambda: sorted(self.started) == sorted(names), f"{names} to start")


@pytest.fixture
def those():
    """Calls that hang until the test is over."""
    those = Calls()
    yield those
    those.gate.set()


def test_no_thread_is_started_before_the_first_job():
    before = threading.active_count()

    Dispatcher(capacity())

    assert threading.active_count() == before


def test_no_thread_is_left_when_there_is_nothing_to_do(those):
    dispatcher = Dispatcher(capacity(workers=1))
    for name in "abc":
        dispatcher.submit(those.job(name))
    those.wait_until_started("a")
    threads = set(dispatcher._threads)

    those.gate.set()
    dispatcher.close()

    assert len(threads) == 2
    assert not any(thread.is_alive() for thread in threads)
    assert dispatcher._threads == set()


def test_a_finished_job_makes_room():
    dispatcher = Dispatcher(capacity(workers=1, room=0))
    done = threading.Event()
    dispatcher.submit(Job(done.set, pytest.fail))
    assert done.wait(10)

    def accepts_another():
        with contextlib.suppress(BusyError):
            dispatcher.submit(Job(lambda: None, pytest.fail))
            return True
        return False

    wait_for(accepts_another, "room for another job")
    dispatcher.close()


def test_at_most_so_many_run_and_wait(those):
    dispatcher = Dispatcher(capacity(workers=2, room=1))
    for name in "abc":
        dispatcher.submit(those.job(name))
    those.wait_until_started("a", "b")

    with pytest.raises(BusyError):
        dispatcher.submit(those.job("d"))

    those.gate.set()
    those.wait_until_started("a", "b", "c")
    dispatcher.close()
    assert those.refused == []


def test_a_target_that_hangs_holds_its_own_few_threads(those):
    dispatcher = Dispatcher(capacity(workers=6, per_target=4))
    for number in range(10):
        dispatcher.submit(those.job(f"dead-{number}", "dead.example:443"))
    others = Calls()
    others.gate.set()

    for number in range(20):
        dispatcher.submit(others.job(f"well-{number}", "well.example:443"))

    others.wait_until_started(*(f"well-{number}" for number in range(20)))
    those.wait_until_started("dead-0", "dead-1", "dead-2", "dead-3")
    those.gate.set()
    dispatcher.close()


def test_what_contacts_no_target_shares_only_the_workers(those):
    dispatcher = Dispatcher(capacity(workers=6, per_target=1))

    for name in "abcdef":
        dispatcher.submit(those.job(name))

    those.wait_until_started(*"abcdef")


def test_those_who_wait_go_in_the_order_in_which_they_came(those):
    dispatcher = Dispatcher(capacity(per_target=1))
    for name in "abcd":
        dispatcher.submit(those.job(name, "pbx.example:443"))
    those.wait_until_started("a")

    those.gate.set()

    wait_for(lambda: those.started == list("abcd"), "all to start")
    dispatcher.close()


def test_whoever_waits_too_long_is_refused_and_never_runs(those):
    dispatcher = Dispatcher(capacity(per_target=1, patience=0.2))
    for name in "abc":
        dispatcher.submit(those.job(name, "pbx.example:443"))

    began = time.monotonic()
    wait_for(lambda: those.refused == ["b", "c"], "those who wait to be refused")

    assert time.monotonic() - began < 5
    those.gate.set()
    dispatcher.close()
    assert those.started == ["a"]


def test_patience_begins_anew_for_those_who_come_later(those):
    dispatcher = Dispatcher(capacity(per_target=1, patience=0.1))
    for name in "ab":
        dispatcher.submit(those.job(name, "pbx.example:443"))
    wait_for(lambda: those.refused == ["b"], "the first to be refused")
    wait_for(lambda: not dispatcher._is_watched, "nobody to wait")

    dispatcher.submit(those.job("c", "pbx.example:443"))

    wait_for(lambda: those.refused == ["b", "c"], "the second to be refused")


def test_nobody_waits_with_a_thread_of_their_own(those):
    dispatcher = Dispatcher(capacity(per_target=2))

    for number in range(40):
        dispatcher.submit(those.job(str(number), "pbx.example:443"))

    assert len(dispatcher._threads) == 3  # two who run, and who watches those who wait


def test_closing_refuses_what_waits_and_ends_what_runs(those):
    dispatcher = Dispatcher(capacity(workers=1))
    dispatcher.submit(those.job("first"))
    dispatcher.submit(those.job("second"))
    those.wait_until_started("first")

    closing = threading.Thread(target=dispatcher.close)
    closing.start()
    wait_for(lambda: those.refused == ["second"], "what waits to be refused")
    assert closing.is_alive()
    those.gate.set()
    closing.join(10)

    assert not closing.is_alive()
    assert those.started == ["first"]


def test_a_job_that_fails_is_logged_without_its_message_and_makes_room(monkeypatch, those):
    # One that has been used before is bound to the settings of then, and is not captured.
    monkeypatch.setattr(dispatch, "log", structlog.get_logger())
    dispatcher = Dispatcher(capacity(workers=1))

    def fail():
        raise ValueError("https://pbx.example/?pass=canary")

    with structlog.testing.capture_logs() as logged:
        dispatcher.submit(Job(fail, pytest.fail))
        dispatcher.submit(those.job("next"))
        those.wait_until_started("next")
        those.gate.set()
        dispatcher.close()

    assert logged == [{"event": "dial job failed", "error": "ValueError", "log_level": "error"}]
