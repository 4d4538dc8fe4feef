"""How often passwords may be tried: 5 times, then with growing pauses, never locked for good."""

import re
import threading
from datetime import timedelta

import pytest
import requests
import time_machine
from argon2 import PasswordHasher
from sqlalchemy import select

from portal import accounts, sessions, throttle
from portal.database import now
from portal.errors import InvalidError, TooManyError
from portal.extensions import db
from portal.identity import identify
from portal.models import AuditEvent, PasswordTries
from tests.support import schema
from tests.support.databases import on_sqlite
from tests.support.server import portal_server

PASSWORD = "nine lamps over the harbour"
WRONG = "wrong"
TRIES = 5


@pytest.fixture(autouse=True)
def carol(app):
    with app.app_context():
        yield accounts.create("carol", PASSWORD)


@pytest.fixture
def clock():
    with time_machine.travel(now(), tick=False) as clock:
        yield clock


@pytest.fixture
def verified(monkeypatch):
    """The passwords that were looked at."""
    looked_at = []
    verify = PasswordHasher.verify

    def counting(hasher, password_hash, password):
        looked_at.append(password)
        return verify(hasher, password_hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", counting)
    return looked_at


def sign_in(login="carol", password=WRONG):
    return sessions.sign_in(login, password, address="192.0.2.7", browser="")


def fail(times, login="carol"):
    for _ in range(times):
        with pytest.raises(InvalidError) as refused:
            sign_in(login)
        assert refused.value.kind == "sign-in-failed"


def wait_of(login="carol", password=WRONG):
    """The seconds to wait that an answer names."""
    with pytest.raises(TooManyError) as refused:
        sign_in(login, password)
    return refused.value.retry_after


def events():
    """What the trail holds besides the account, which was made first."""
    _made, *rows = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    assert _made.action == "user.added"
    return [(row.action, row.subject) for row in rows]


def test_before_the_fifth_failure_the_right_password_is_let_in(clock):
    fail(TRIES - 1)

    assert identify(sign_in(password=PASSWORD))


def test_after_the_fifth_failure_even_the_right_password_is_not_looked_at(clock, verified):
    fail(TRIES)
    del verified[:]

    assert wait_of(password=PASSWORD) == 60
    assert verified == []


def test_pauses_double_up_to_a_quarter_of_an_hour_and_never_lock(clock):
    fail(TRIES)
    pauses = []
    for _ in range(7):
        pauses.append(wait_of())
        clock.shift(pauses[-1])
        fail(1)
    clock.shift(900)

    assert pauses == [60, 120, 240, 480, 900, 900, 900]
    assert identify(sign_in(password=PASSWORD))


def test_a_right_password_strikes_off_the_tries(clock):
    fail(TRIES - 1)
    sign_in(password=PASSWORD)

    fail(TRIES - 1)

    assert identify(sign_in(password=PASSWORD))


def test_tries_are_forgotten_a_quarter_of_an_hour_after_the_pause(clock):
    fail(TRIES)
    clock.shift(60 + 901)

    fail(TRIES)

    assert wait_of() == 60


@pytest.mark.parametrize("login", ["nobody", "", "carol\0", "\ud800"])
def test_unknown_names_are_counted_like_known_ones(clock, verified, login):
    fail(TRIES, login)

    assert wait_of(login) == 60
    assert len(verified) == TRIES


def test_letter_case_and_blanks_make_no_other_name(clock):
    fail(TRIES - 1)
    fail(1, " CAROL ")

    assert wait_of() == 60


def test_one_name_does_not_hold_up_another(clock):
    fail(TRIES, "ada")

    assert identify(sign_in(password=PASSWORD))


def test_names_are_kept_as_hashes_of_this_portal(clock, app):
    fail(1, "my secret password")

    (row,) = db.session.scalars(select(PasswordTries)).all()
    assert len(row.name_hash) == 64
    app.secret_key = "another"
    fail(1, "my secret password")
    assert len(db.session.scalars(select(PasswordTries)).all()) == 2


def test_what_is_forgotten_is_deleted(clock):
    fail(1, "somebody")
    clock.shift(901)

    fail(1, "else")

    assert len(db.session.scalars(select(PasswordTries)).all()) == 1


def test_tries_at_the_same_time_do_not_slip_through_together(app, verified):
    outcomes = []

    def guess(number):
        with app.app_context():
            try:
                sign_in(password=f"guess {number}")
            except InvalidError as error:
                outcomes.append(error.kind)

    threads = [threading.Thread(target=guess, args=[number]) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(verified) == TRIES
    assert outcomes.count("sign-in-failed") == TRIES
    assert outcomes.count("too-many-tries") == 20 - TRIES


def test_guesses_for_an_account_stay_below_500_a_day(clock):
    """Count the tries of two attackers: one never stops, one waits until all is forgotten."""
    restless = patient = 0
    end = now() + timedelta(days=1)
    while now() < end:
        try:
            throttle.take("restless")
            restless += 1
        except TooManyError as error:
            clock.shift(error.retry_after)
    end = now() + timedelta(days=1)
    while now() < end:
        for _ in range(TRIES):
            throttle.take("patient")
            patient += 1
        clock.shift(60 + 901)

    assert 90 <= restless <= 150
    assert restless < patient <= 500


def test_numbers_are_settings(make_app):
    app = make_app(sign_in_tries=1, sign_in_pause=7, sign_in_window=100)
    with app.app_context(), time_machine.travel(now(), tick=False) as clock:
        throttle.take("carol")
        pauses = []
        for _ in range(5):
            with pytest.raises(TooManyError) as refused:
                throttle.take("carol")
            pauses.append(refused.value.retry_after)
            clock.shift(refused.value.retry_after)
            throttle.take("carol")

    assert pauses == [7, 14, 28, 56, 100]


def test_sign_ins_failures_and_pauses_are_in_the_audit_trail(clock):
    fail(TRIES)
    clock.shift(60)
    sign_in(password=PASSWORD)

    assert events() == [
        *[("sign-in.failed", "carol")] * TRIES,
        ("sign-in.paused", "carol"),
        ("session.started", "carol"),
    ]
    newest = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert (newest.actor_name, newest.address) == ("carol", "192.0.2.7")


def test_a_name_that_is_nobodys_is_not_written_down(clock):
    fail(TRIES, "my secret password")

    assert events() == [*[("sign-in.failed", "")] * TRIES, ("sign-in.paused", "")]


@on_sqlite
def test_two_processes_count_together(sqlite_template, tmp_path):
    schema.copy_sqlite(sqlite_template, tmp_path / "var")
    with (
        portal_server(tmp_path / "var") as first,
        portal_server(tmp_path / "var") as second,
        requests.Session() as browser,
    ):
        statuses = [try_to_sign_in(browser, server.url) for server in (first, second) * 3]

    assert statuses == [422] * TRIES + [429]


def try_to_sign_in(browser, url):
    page = browser.get(f"{url}/login", timeout=30).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    form = {"csrf_token": token[1], "login": "carol", "password": WRONG}
    return browser.post(f"{url}/login", data=form, timeout=30).status_code
