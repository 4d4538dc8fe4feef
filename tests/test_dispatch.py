"""The pool in which calls wait for the phone system."""

import contextlib
import threading

import pytest
import structlog

from portal.dialing import dispatch
from portal.dialing.dispatch import Dispatcher
from portal.errors import BusyError
from tests.support.processes import wait_for


@pytest.fixture
def gate():
    """Holds back the jobs that wait for it."""
    event = threading.Event()
    yield event
    event.set()


def test_no_thread_is_started_before_the_first_job():
    before = threading.active_count()

    Dispatcher(workers=4, room=4)

    assert threading.active_count() == before


def test_a_finished_job_makes_room():
    dispatcher = Dispatcher(workers=1, room=0)
    done = threading.Event()
    dispatcher.submit(done.set)
    assert done.wait(10)

    def accepts_another():
        with contextlib.suppress(BusyError):
            dispatcher.submit(lambda: None)
            return True
        return False

    wait_for(accepts_another, "room for another job")
    dispatcher.close()


def test_at_most_so_many_run_and_wait(gate):
    dispatcher = Dispatcher(workers=2, room=1)
    started = threading.Semaphore(0)

    def work():
        started.release()
        gate.wait()

    for _ in range(3):
        dispatcher.submit(work)

    assert started.acquire(timeout=10)
    assert started.acquire(timeout=10)
    assert not started.acquire(blocking=False)
    with pytest.raises(BusyError):
        dispatcher.submit(work)
    gate.set()
    assert started.acquire(timeout=10)
    dispatcher.close()


def test_closing_forgets_what_waits_and_ends_what_runs(gate):
    dispatcher = Dispatcher(workers=1, room=1)
    started = threading.Event()
    ran: list[str] = []

    def first():
        started.set()
        gate.wait()
        ran.append("first")

    def second():
        ran.append("second")

    dispatcher.submit(first)
    dispatcher.submit(second)
    assert started.wait(10)

    closing = threading.Thread(target=dispatcher.close)
    closing.start()
    wait_for(lambda: dispatcher._executor._shutdown, "the pool to close")
    gate.set()
    closing.join(10)

    assert ran == ["first"]


def test_a_job_that_fails_is_logged_without_its_message(monkeypatch):
    # One that has been used before is bound to the settings of then, and is not captured.
    monkeypatch.setattr(dispatch, "log", structlog.get_logger())
    dispatcher = Dispatcher(workers=1, room=0)
    started = threading.Event()

    def fail():
        started.set()
        raise ValueError("https://pbx.example/?pass=canary")

    with structlog.testing.capture_logs() as logged:
        dispatcher.submit(fail)
        assert started.wait(10)
        dispatcher.close()

    assert logged == [{"event": "dial job failed", "error": "ValueError", "log_level": "error"}]
