"""Sessions: signing in, and ending at once."""

from datetime import timedelta

import pytest
import time_machine
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import select

from portal import accounts, sessions
from portal.accounts import Rights
from portal.database import now
from portal.errors import InvalidError, NotFoundError
from portal.extensions import db
from portal.identity import identify
from portal.models import Role, UserSession

PASSWORD = "a password long enough"


@pytest.fixture(autouse=True)
def _in_context(app):
    with app.app_context():
        accounts.create("ada", PASSWORD, rights=Rights(role=Role.ADMIN))
        yield


@pytest.fixture
def carol():
    return accounts.create("carol", PASSWORD)


def sign_in(login="carol", password=PASSWORD, **seen):
    return sessions.sign_in(login, password, **{"address": "", "browser": "", **seen})


def who(token):
    """Return who holds an open session."""
    caller = identify(token)
    assert caller
    return caller


def test_token_of_a_new_session_tells_who_it_is(carol):
    assert who(sign_in()).id == carol.id


def test_login_counts_without_letter_case_and_blanks_around(carol):
    assert who(sign_in(" CAROL ")).id == carol.id


def test_table_holds_no_token(carol):
    token = sign_in(address="192.0.2.7", browser="Firefox")

    row = db.session.scalars(select(UserSession)).one()
    assert token not in (row.token_hash, row.address, row.browser)
    assert (row.address, row.browser) == ("192.0.2.7", "Firefox")


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("carol", "wrong"),
        ("carol", ""),
        ("carol", PASSWORD + " "),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("carol\0", PASSWORD),
        ("disabled", PASSWORD),
    ],
)
def test_whatever_is_wrong_the_answer_is_the_same(carol, login, password):
    disabled = accounts.create("disabled", PASSWORD)
    accounts.disable(disabled.id, by=carol.id)

    with pytest.raises(InvalidError) as refused:
        sign_in(login, password)

    assert (refused.value.kind, refused.value.field) == ("sign-in-failed", "")


@pytest.mark.parametrize("login", ["carol", "nobody", "disabled"])
def test_every_failed_sign_in_verifies_one_password(carol, monkeypatch, login):
    accounts.disable(accounts.create("disabled", PASSWORD).id, by=carol.id)
    verified = []
    verify = PasswordHasher.verify

    def counting(hasher, password_hash, password):
        verified.append(extract_parameters(password_hash))
        return verify(hasher, password_hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", counting)

    with pytest.raises(InvalidError):
        sign_in(login, "wrong password")

    assert verified == [extract_parameters(carol.password_hash)]


def test_sign_in_renews_a_hash_of_other_costs(carol):
    carol.password_hash = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash(PASSWORD)
    db.session.commit()

    sign_in()

    assert extract_parameters(accounts.get(carol.id).password_hash).memory_cost == 8
    assert sign_in()


def test_password_changed_while_signing_in_is_refused(carol, monkeypatch):
    verify = PasswordHasher.verify

    def slow(hasher, password_hash, password):
        monkeypatch.undo()
        accounts.reset_password(carol.id, "another password")
        return verify(hasher, password_hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", slow)

    with pytest.raises(InvalidError):
        sign_in()

    assert sessions.of_user(carol.id) == []


def test_signing_out_ends_this_session_only(carol):
    mine, other = sign_in(), sign_in()

    sessions.sign_out(who(mine).session_id)

    assert identify(mine) is None
    assert identify(other)


def test_sessions_are_listed_last_used_first(carol):
    with time_machine.travel(now() - timedelta(hours=2), tick=False):
        sign_in(browser="old")
    sign_in(browser="new")
    sign_in("ada")

    assert [row.browser for row in sessions.of_user(carol.id)] == ["new", "old"]


def test_one_session_is_ended_at_once(carol):
    token = sign_in()

    sessions.end(carol.id, who(token).session_id)

    assert identify(token) is None


def test_session_of_another_user_cannot_be_ended(carol):
    token = sign_in("ada")

    with pytest.raises(NotFoundError):
        sessions.end(carol.id, who(token).session_id)

    assert identify(token)


def test_session_that_has_ended_is_not_found(carol):
    with pytest.raises(NotFoundError):
        sessions.end(carol.id, 4711)


def test_all_others_end_and_this_one_stays(carol):
    mine, other, of_ada = sign_in(), sign_in(), sign_in("ada")

    sessions.end_others(carol.id, keep=who(mine).session_id)

    assert identify(mine)
    assert identify(other) is None
    assert identify(of_ada)


@pytest.mark.parametrize(("idle", "is_open"), [(11, True), (13, False)])
def test_session_ends_when_it_is_not_used(carol, idle, is_open):
    token = sign_in()

    with time_machine.travel(now() + timedelta(hours=idle), tick=False):
        assert (identify(token) is not None) is is_open
        assert bool(sessions.of_user(carol.id)) is is_open


def test_both_times_are_settings(make_app, carol):
    token, start = sign_in(), now()

    for limits in ({"session_idle": 60}, {"session_lifetime": 300}):
        with make_app(**limits).app_context():
            (seconds,) = limits.values()
            with time_machine.travel(start + timedelta(seconds=seconds - 2), tick=False):
                assert identify(token)
            with time_machine.travel(start + timedelta(seconds=seconds + 2), tick=False):
                assert identify(token) is None


def test_session_ends_after_its_lifetime_however_much_it_is_used(carol):
    token = sign_in()
    start = now()

    for hours in range(8, 24 * 7, 8):
        with time_machine.travel(start + timedelta(hours=hours), tick=False):
            assert identify(token)

    with time_machine.travel(start + timedelta(days=7, minutes=1), tick=False):
        assert identify(token) is None


def test_signing_in_removes_sessions_that_are_over(carol):
    sign_in()

    with time_machine.travel(now() + timedelta(days=8), tick=False):
        sign_in("ada")

    assert [row.user.login for row in db.session.scalars(select(UserSession))] == ["ada"]


def test_what_a_browser_calls_itself_is_cut_to_what_can_be_kept(carol):
    sign_in(browser="Fire\0fox\r\n" + "x" * 300)

    assert sessions.of_user(carol.id)[0].browser == "Firefox" + "x" * 248
