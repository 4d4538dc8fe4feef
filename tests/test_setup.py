"""The first start: a one-time link makes the first administrator."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine

from portal import accounts, sessions, setup
from portal.database import now
from portal.errors import ConflictError, ForbiddenError, InvalidError
from portal.extensions import db
from portal.models import Role, Setting

PASSWORD = "a password long enough"


@pytest.fixture(autouse=True)
def _in_context(app):
    with app.app_context():
        yield


def first_admin(token, login="ada", password=PASSWORD):
    record = {"firstname": "Ada", "surname": "Lovelace"}
    return setup.first_admin(token, login=login, password=password, record=record, language="de")


def test_link_makes_the_first_administrator():
    user = first_admin(setup.new_link())

    assert (user.role, user.name, user.language) == (Role.ADMIN, "Ada Lovelace", "de")
    assert setup.is_done()
    assert sessions.sign_in("ada", PASSWORD, address="", browser="")


def test_table_holds_no_token():
    token = setup.new_link()

    link = db.session.get_one(Setting, "setup_link")
    assert token not in str(link.value)


def test_link_works_once():
    token = setup.new_link()
    first_admin(token)

    with pytest.raises(ForbiddenError) as refused:
        first_admin(token, login="eve")

    assert refused.value.kind == "setup-done"


def test_two_people_with_the_same_link_make_one_administrator(app):
    token = setup.new_link()
    start = threading.Barrier(2)

    def try_it(login):
        with app.app_context(), contextlib.suppress(ForbiddenError):
            start.wait()
            first_admin(token, login=login)

    with ThreadPoolExecutor() as pool:
        list(pool.map(try_it, ("ada", "eve")))

    assert accounts.search().total == 1


@pytest.mark.parametrize(("minutes", "works"), [(59, True), (61, False)])
def test_link_works_for_an_hour(minutes, works):
    token = setup.new_link()

    with time_machine.travel(now() + timedelta(minutes=minutes), tick=False):
        if works:
            setup.check(token)
        else:
            with pytest.raises(ForbiddenError):
                setup.check(token)


def test_new_link_ends_the_older_one():
    older, newer = setup.new_link(), setup.new_link()

    setup.check(newer)
    with pytest.raises(ForbiddenError):
        setup.check(older)


@pytest.mark.parametrize("token", ["", "x", "\0", "ü" * 5000])
def test_wrong_link_is_refused(token):
    setup.new_link()

    with pytest.raises(ForbiddenError) as refused:
        setup.check(token)

    assert refused.value.kind == "setup-link"


def test_without_a_link_every_token_is_refused():
    with pytest.raises(ForbiddenError):
        setup.check("anything")


def test_refused_entry_leaves_the_link_usable():
    token = setup.new_link()

    with pytest.raises(InvalidError):
        first_admin(token, password="short")
    db.session.rollback()

    assert not setup.is_done()
    assert first_admin(token)


def test_taken_login_leaves_the_link_usable():
    accounts.create("ada", PASSWORD)
    token = setup.new_link()

    with pytest.raises(InvalidError) as refused:
        first_admin(token)

    assert refused.value.field == "login"
    assert first_admin(token, login="ada2")


def test_no_new_link_once_there_is_an_administrator(ada):
    with pytest.raises(ConflictError):
        setup.new_link()
