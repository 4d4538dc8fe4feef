"""The cast: a visitor, ada who administers, alice and bob who call."""

import secrets
from functools import cached_property
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import update
from werkzeug.test import TestResponse

from portal.database import read_only
from portal.extensions import db
from portal.identity import token_hash
from portal.models import Role, User, UserSession
from portal.web.guards import TOKEN
from tests.support.html import faults

PASSWORD = "nine lamps over the harbour"
_PASSWORD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)

ADA = {
    "login": "ada",
    "role": Role.ADMIN,
    "firstname": "Ada",
    "surname": "Lovelace",
    "email": "ada@example.org",
}
ALICE = {
    "login": "alice",
    "title": "Dr.",
    "firstname": "Alice",
    "surname": "Ärmel & Söhne",
    "email": "alice@example.org",
    "phone": "+49 361 30262-101",
    "mobile": "+49 171 1234567",
    "fax": "+49 361 30262-109",
    "department": "Sales",
    "position": "Head of Sales",
    "location": "Erfurt",
    "cti_user": "alice.cti",
    "cti_phone": "192.0.2.17",
}
BOB = {"login": "bob", "firstname": "Bob", "surname": "Builder"}


def let_confirmations_lapse(app: Flask) -> None:
    """Make it long ago for everybody that the password was entered."""
    with app.app_context():
        db.session.execute(update(UserSession).values(confirmed_at=None))
        db.session.commit()


class Client(FlaskClient):
    """A browser without a screen: it looks at every page it gets and knows the CSRF token."""

    def open(self, *args: Any, htmx: bool = False, **kwargs: Any) -> TestResponse:
        """Make a request, as htmx does it if so wished, and check the answer's HTML."""
        if htmx:
            kwargs["headers"] = {**dict(kwargs.get("headers") or {}), "HX-Request": "true"}
        response = super().open(*args, **{"buffered": True, **kwargs})
        read_only.set(False)  # what a server's thread leaves to its next request is not the test's
        if response.mimetype == "text/html" and not response.location:
            assert faults(response.text) == []
        return response

    def submit(self, path: str, data: Any = None, **kwargs: Any) -> TestResponse:
        """Post a form as its page would, with a valid CSRF token."""
        return self.post(path, data={"csrf_token": self.csrf_token(), **(data or {})}, **kwargs)

    def csrf_token(self) -> str:
        """Return a token that belongs to this client's session."""
        with self.session_transaction() as session:
            raw = session.setdefault("csrf_token", secrets.token_hex(20))
        signer = URLSafeTimedSerializer(self.application.secret_key, salt="wtf-csrf-token")  # type: ignore[arg-type]
        return str(signer.dumps(raw))


class Person:
    """Somebody with an account, and a browser in which that person is signed in."""

    def __init__(self, app: Flask, record: dict[str, Any]) -> None:
        self._app = app
        self.login: str = record["login"]
        self.password = PASSWORD
        with app.app_context():
            user = User(password_hash=_PASSWORD_HASH, **record)
            db.session.add(user)
            db.session.commit()
            self.id = user.id

    def __repr__(self) -> str:
        return f"<{self.login}>"

    @cached_property
    def client(self) -> Client:
        """A signed-in client."""
        return self.new_client()

    def new_client(self) -> Client:
        """Sign in once more, in another browser."""
        token = secrets.token_urlsafe(32)
        with self._app.app_context():
            db.session.add(UserSession(user_id=self.id, token_hash=token_hash(token)))
            db.session.commit()
        client = self._app.test_client()
        assert isinstance(client, Client)
        with client.session_transaction() as session:
            session[TOKEN] = token
        return client
