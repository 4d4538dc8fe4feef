"""A portal that is killed in the middle of its work loses nothing and repeats nothing."""

import itertools
import os
import random
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException

import pytest

from portal import phones
import sqlite3 as sqlite
from portal.models import CallState
from portal.phones import Draft
from tests.support.clicks import Browser, counting_phone_system, states_of_calls
from tests.support.processes import wait_for
from tests.support.targets import allow_target_of

ROUNDS = int(os.environ.get("PROOF_ROUNDS", "30"))
AT_ONCE = 6
CALLERS = 60
"""Callers take turns, so that no limit for one person ends the proof."""
ANSWERS_AFTER = 0.3
"""Seconds, so that calls are under way whenever the portal is killed."""
LOST_AFTER = 60.0
"""Seconds after which a call that was interrupted is certainly shown as unknown."""


class Load:
    """People who call without a break, and insist until each click is answered."""

    def __init__(self, servers, browsers):
        self.shown: dict[str, Browser] = {}
        """Every call that a browser was told of, and whose it is."""
        self.others: Counter[int] = Counter()
        """The answers that were none of a call."""
        self._servers = itertools.cycle(servers)
        self._browsers = itertools.cycle(browsers)
        self._numbers = itertools.count()
        self._over = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Go on while the block lasts."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            callers = [pool.submit(self._call) for _ in range(AT_ONCE)]
            try:
                yield
            finally:
                self._over.set()
        for caller in callers:
            caller.result()

    def _call(self):
        while not self._over.is_set():
            number, click_token = f"+4936130{next(self._numbers):06}", secrets.token_urlsafe(16)
            self._insist(next(self._browsers), number, click_token)

    def _insist(self, browser, number, click_token):
        while True:
            try:
                answer = browser.click(next(self._servers), number, click_token)
            except (OSError, HTTPException):
                continue  # killed: the browser sends the same again
            if answer.call_id:
                self.shown[answer.call_id] = browser
            else:
                self.others[answer.status] += 1
            return


@pytest.mark.timeout(600)
def test_nothing_is_lost_and_nothing_is_repeated(servers, database_url):
    chance = random.Random()
    with counting_phone_system(ANSWERS_AFTER) as phone_system:
        load = Load(servers, _callers(servers[0], phone_system.dial_url))
        with load.running():
            for _ in range(ROUNDS):
                _wait_for_more(load, chance.randint(1, 60))
                for server in servers:
                    server.kill_workers()
                if not database_url:
                    assert _integrity(servers[0]) == "ok"
        for server in servers:
            server.kill_workers()
        _wait_until_settled(servers[0], load)
        states = states_of_calls(servers[0])
        seen = phone_system.seen()

    assert load.shown.keys() <= states.keys()
    assert seen.keys() <= states.keys()
    assert set(seen.values()) == {1}
    assert set(states.values()) <= {CallState.ACCEPTED, CallState.UNKNOWN, CallState.FAILED}
    accepted = {call_id for call_id, state in states.items() if state is CallState.ACCEPTED}
    assert accepted <= seen.keys()
    assert CallState.UNKNOWN in states.values()
    print(Counter(states.values()), load.others)


def _callers(server, dial_url):
    with server.app.app_context():
        allow_target_of(dial_url)
        phones.save_default(Draft("Desk phones", dial_url))
    browsers = [Browser(server.add({"login": f"caller{number}"})) for number in range(CALLERS)]
    server.close()  # who holds the database open spares SQLite the recovery after a crash
    return browsers


def _wait_for_more(load, calls):
    enough = len(load.shown) + calls
    wait_for(lambda: len(load.shown) >= enough, "calls after the portal was killed")


def _integrity(server):
    path = server.data_dir / "portal.db"
    connection = sqlite.connect(path)
    try:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        connection.close()


def _wait_until_settled(server, load):
    """Look at the pages of all calls that were under way until none is any more."""
    in_flight = {call_id for call_id, state in states_of_calls(server).items() if state.in_flight}

    def settled():
        pages = [load.shown[i].state_of(server, i) for i in in_flight & load.shown.keys()]
        return not {"new", "sending"} & set(pages)

    wait_for(settled, "calls that were interrupted to be shown as unknown", LOST_AFTER)
