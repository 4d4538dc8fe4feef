"""What one preview costs: CPU beside a bare Flask route, and SQL statements."""

import io
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlencode

from cryptography.fernet import Fernet
from flask import Flask
from flask import session as flask_session
from flask.testing import FlaskClient
from flask_migrate import upgrade
from flask_wtf.csrf import generate_csrf
from sqlalchemy import event

from portal import create_app, keyring, targets
from portal.config import Config
from portal.database import sqlite
from portal.dialing.number import NumberFormat
from portal.extensions import db
from portal.identity import token_hash
from portal.models import Handler, Phone, User, UserSession
from portal.web.guards import TOKEN

ROUNDS = 21
REQUESTS = 150
GOAL = 6.0
MOST_STATEMENTS = 3

Request = Callable[[], bytes]


def main() -> int:
    """Measure and print; too many statements are a failure."""
    with tempfile.TemporaryDirectory() as folder:
        portal = _portal(Path(folder))
        preview = _preview(portal)
        statements = _statements(portal, preview)
        bare = _bare()
        bare_seconds, preview_seconds = _least_seconds(bare, preview)
    ratio = preview_seconds / bare_seconds
    print(f"bare Flask route   {bare_seconds * 1e6:7.0f} µs CPU per request")
    print(f"preview, signed in {preview_seconds * 1e6:7.0f} µs CPU per request")
    print(f"ratio              {ratio:7.2f}  (aim: at most {GOAL:g})")
    print(f"SQL statements     {statements:7}  (at most {MOST_STATEMENTS})")
    return 0 if statements <= MOST_STATEMENTS else 1


def _portal(folder: Path) -> Flask:
    """Return the portal on a database of its own, with a handler and the default phone."""
    app = create_app(
        Config(
            data_dir=folder,
            secret_key=secrets.token_urlsafe(),
            encryption_keys=(Fernet.generate_key().decode(),),
        )
    )
    with app.app_context():
        upgrade()
        targets.allow("pbx.example")
        user = User(login="bench", password_hash="", cti_user="bench", cti_phone="201")
        db.session.add(user)
        db.session.flush()
        user.cti_pass_sealed = keyring.seal(user.id, "cti_pass", "secret")
        url = "https://pbx.example/addcall?user=<#CTI_USER#>&pass=<#CTI_PASS#>&number="
        db.session.add(Handler(name="anlage", url=url))
        db.session.add(
            Phone(
                name="Default phone",
                url="anlage://<#NUMBER#>",
                number_format=NumberFormat.INTERNATIONAL_00,
            )
        )
        db.session.add(UserSession(user_id=user.id, token_hash=token_hash("bench")))
        db.session.commit()
    return app


def _preview(app: Flask) -> Request:
    """Return a preview as htmx asks for it, by somebody who is signed in."""
    client = app.test_client()
    with client.session_transaction() as session:
        session[TOKEN] = "bench"
        session["csrf_token"] = secrets.token_hex(20)
        csrf_secret = session["csrf_token"]
    with app.test_request_context():
        flask_session["csrf_token"] = csrf_secret
        csrf_token = generate_csrf()
    body = urlencode({"number": "+49 (0)361 30262-422", "phone": "default"}).encode()
    headers = {
        "HTTP_COOKIE": f"session={_cookie(client)}",
        "HTTP_X_CSRFTOKEN": csrf_token,
        "HTTP_HX_REQUEST": "true",
        "HTTP_ACCEPT_LANGUAGE": "de",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
    }
    request = _request(app, "POST", "/dial/preview", headers, body)
    if b'id="preview-url"' not in request():
        sys.exit("the preview does not work")
    return request


def _cookie(client: FlaskClient) -> str:
    cookie = client.get_cookie("session")
    return cookie.value if cookie else ""


def _bare() -> Request:
    app = Flask(__name__)
    text = "x" * 600

    @app.get("/")
    def show() -> str:
        return text

    return _request(app, "GET", "/", {}, b"")


def _request(app: Flask, method: str, path: str, headers: dict[str, str], body: bytes) -> Request:
    base = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SCRIPT_NAME": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **headers,
    }

    def send() -> bytes:
        environ = {**base, "wsgi.input": io.BytesIO(body)}
        answer: Iterable[bytes] = app.wsgi_app(environ, lambda *_: lambda _: None)
        content = b"".join(answer)
        if close := getattr(answer, "close", None):
            close()
        return content

    return send


def _statements(app: Flask, request: Request) -> int:
    """Count what the database is asked, as its driver sees it."""
    seen: list[str] = []
    with app.app_context():
        engine = db.engine

    def listen(connection: sqlite.Connection, *_: object) -> None:
        connection.set_trace_callback(seen.append)

    event.listen(engine, "checkout", listen)
    request()
    event.remove(engine, "checkout", listen)
    engine.dispose()
    return sum(statement.startswith(("SELECT", "INSERT", "UPDATE")) for statement in seen)


def _least_seconds(*requests: Request) -> list[float]:
    """Return for each request the least CPU time, rounds of all taking turns."""
    least = [float("inf")] * len(requests)
    for _ in range(ROUNDS):
        for number, request in enumerate(requests):
            started = time.process_time()
            for _ in range(REQUESTS):
                request()
            least[number] = min(least[number], (time.process_time() - started) / REQUESTS)
    return least


if __name__ == "__main__":
    sys.exit(main())
