"""A portal that is killed in the middle of its work loses nothing and repeats nothing."""

import contextlib
import itertools
import random
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import NamedTuple

import pytest

from portal.database import sqlite
from portal.models import CallState
from tests.support.clicks import Browser, counting_phone_system, states_of_calls
from tests.support.processes import wait_for

ACCEPTED, UNKNOWN = CallState.ACCEPTED, CallState.UNKNOWN
AT_ONCE = 6
CALLERS = 60
MOST_CALLS_PER_LIFE = 40
ANSWERS_AFTER = 0.3
"""Seconds, so that calls are under way whenever the portal is killed."""


@pytest.fixture
def settings():
    """Short limits, so that interrupted calls are given up soon."""
    return {
        "PORTAL_LOOK_UP_TIMEOUT": "1",
        "PORTAL_CONNECT_TIMEOUT": "2",
        "PORTAL_ANSWER_TIMEOUT": "3",
        "PORTAL_EXCHANGE_TIMEOUT": "4",
    }


class Click(NamedTuple):
    """One press on Call, which a browser may send more than once."""

    browser: Browser
    number: str
    token: str


class Load:
    """People who call without a break, and send each click again while its call is under way."""

    def __init__(self, servers, browsers):
        self.shown: dict[str, Browser] = {}
        """Every call that a browser was told of, and whose it is."""
        self._servers = itertools.cycle(servers)
        self._browsers = itertools.cycle(browsers)
        self._numbers = itertools.count()
        self._over = threading.Event()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Go on while the block lasts."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            people = [pool.submit(self._call) for _ in range(AT_ONCE)]
            try:
                yield
            finally:
                self._over.set()
        for person in people:
            person.result()

    def _call(self):
        before = self._new_click()
        while not self._over.is_set():
            click = self._new_click()
            self._insist(click)
            self._insist(before)
            before = click

    def _new_click(self):
        number = f"+4936130{next(self._numbers):06}"
        return Click(next(self._browsers), number, secrets.token_urlsafe(16))

    def _insist(self, click):
        while True:
            with contextlib.suppress(OSError, HTTPException):  # killed: send the same again
                answer = click.browser.click(next(self._servers), click.number, click.token)
                if answer.call_id:
                    self.shown[answer.call_id] = click.browser
                return


@pytest.mark.rounds(30)
@pytest.mark.timeout(600)
def test_nothing_is_lost_and_nothing_is_repeated(servers, database_url, callers, rounds):
    chance = random.Random()  # noqa: S311 - no secret, only a moment
    with counting_phone_system(ANSWERS_AFTER) as phone_system:
        load = Load(servers, callers(CALLERS, phone_system.dial_url))
        with load.running():
            for _ in range(rounds):
                _wait_for_more(load, chance.randint(1, MOST_CALLS_PER_LIFE))
                for server in servers:
                    server.kill_workers()
                if not database_url:
                    assert _integrity(servers[0].data_dir / "portal.db") == "ok"
        for server in servers:
            server.kill_workers()
        _open_until_settled(servers, load)
        states, seen = states_of_calls(servers[0]), phone_system.seen()

    assert load.shown.keys() == states.keys() >= seen.keys()
    assert set(seen.values()) == {1}
    assert {call_id for call_id, state in states.items() if state is ACCEPTED} <= seen.keys()
    assert {ACCEPTED, UNKNOWN} <= set(states.values()) <= {ACCEPTED, UNKNOWN, CallState.FAILED}


def _wait_for_more(load, calls):
    enough = len(load.shown) + calls
    wait_for(lambda: len(load.shown) >= enough, "calls after the portal was killed")


def _integrity(path):
    with contextlib.closing(sqlite.connect(path)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]


def _open_until_settled(servers, load):
    """Open the pages of the calls that were under way until each of them shows an end."""
    states = states_of_calls(servers[0])
    waiting = {call_id for call_id, state in states.items() if state.in_flight}

    def all_settled():
        for call_id in list(waiting):
            if load.shown[call_id].state_of(servers[1], call_id) == UNKNOWN:
                waiting.remove(call_id)
        return not waiting

    wait_for(all_settled, "the interrupted calls to be shown as unknown", patience=60)
