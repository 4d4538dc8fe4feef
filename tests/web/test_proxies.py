"""Reverse proxies: whom the portal believes where a request comes from."""

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import UserSession
from tests.support.databases import on_sqlite
from tests.support.people import ALICE, PASSWORD, Person

pytestmark = on_sqlite

FORWARDED = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7", "X-Forwarded-Proto": "https, https"}


@pytest.mark.parametrize(
    ("trusted", "address", "cookie"),
    [
        (0, "127.0.0.1", "session"),
        (1, "198.51.100.7", "__Host-session"),
        (2, "203.0.113.9", "__Host-session"),
    ],
)
def test_only_so_many_proxies_are_believed(make_app, trusted, address, cookie):
    app = make_app(trusted_proxies=trusted)
    alice = Person(app, ALICE)
    visitor = app.test_client()
    # A token that belongs to the cookie of this scheme.
    page = visitor.get("/login", headers=FORWARDED)
    token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]

    answer = visitor.post(
        "/login",
        data={"csrf_token": token, "login": alice.login, "password": PASSWORD},
        headers={**FORWARDED, "Referer": "https://localhost/login"},
    )

    assert answer.status_code == 303
    assert answer.headers["Set-Cookie"].startswith(f"{cookie}=")
    with app.app_context():
        assert db.session.scalars(select(UserSession.address)).all() == [address]
