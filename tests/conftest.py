"""The fixtures that all tests share: databases, people, servers, browser, telephones."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import settings
from playwright.sync_api import Browser, Page
from pytest_httpserver import HTTPServer

from portal import create_app
from portal.extensions import db
from tests.support import browser as browsers
from tests.support import databases, people, schema, server, telephones
from tests.support import names as resolvers
from tests.support.databases import PostgreSQL
from tests.support.names import Names
from tests.support.people import Client, Person
from tests.support.server import PortalServer
from tests.support.telephones import CalledParty, Softphone

settings.register_profile("portal", deadline=None)  # how long a case takes says nothing here
settings.load_profile("portal")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database, to be copied."""
    return schema.build_sqlite(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server of our own."""
    with databases.postgresql() as running:
        yield running


@pytest.fixture(scope="session")
def postgresql_template(postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an empty PostgreSQL database, to be copied."""
    return schema.build_postgresql(tmp_path_factory.mktemp("postgresql"), postgresql)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server of our own."""
    with databases.redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database of each kind, as PORTAL_DATABASE_URL names it ("" is SQLite)."""
    if request.param == "sqlite":
        schema.copy_sqlite(request.getfixturevalue("sqlite_template"), tmp_path)
        yield ""
        return
    postgresql: PostgreSQL = request.getfixturevalue("postgresql")
    yield postgresql.create("portal", request.getfixturevalue("postgresql_template"))
    postgresql.drop("portal")


@pytest.fixture
def make_app(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Make applications on this test's database, with settings of their own."""
    apps = []

    def make(**settings: object) -> Flask:
        app = create_app(schema.settings(tmp_path, database_url, **settings))
        app.test_client_class = Client
        apps.append(app)
        return app

    yield make
    for app in apps:
        for dispatcher in app.extensions["dispatchers"].values():
            dispatcher.close()  # a call under way holds a connection
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """The application on a fresh database, once on SQLite and once on PostgreSQL."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> Client:
    """A visitor's browser."""
    visitor = app.test_client()
    assert isinstance(visitor, Client)
    return visitor


@pytest.fixture
def ada(app: Flask) -> Person:
    """An administrator."""
    return Person(app, people.ADA)


@pytest.fixture
def alice(app: Flask) -> Person:
    """A user with a full record, who may dial."""
    return Person(app, people.ALICE)


@pytest.fixture
def bob(app: Flask) -> Person:
    """Another user."""
    return Person(app, people.BOB)


@pytest.fixture(scope="session")
def _phone_system_server() -> Iterator[HTTPServer]:
    with HTTPServer("127.0.0.1", threaded=True) as running:
        yield running


@pytest.fixture
def phone_system(_phone_system_server: HTTPServer) -> Iterator[HTTPServer]:
    """An HTTP server in a phone system's place; a request it does not expect fails the test."""
    _phone_system_server.clear()
    yield _phone_system_server
    _phone_system_server.check()


@pytest.fixture
def names() -> Iterator[Names]:
    """The system's resolver, answering as a test wants."""
    with resolvers.names() as system:
        yield system


@pytest.fixture
def portal_server(tmp_path: Path, sqlite_template: Path) -> Iterator[PortalServer]:
    """The portal in gunicorn, on a fresh SQLite database."""
    schema.copy_sqlite(sqlite_template, tmp_path / "var")
    with server.portal_server(tmp_path / "var") as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, started once."""
    with browsers.chromium() as browser:
        yield browser


@pytest.fixture
def page(chromium: Browser, portal_server: PortalServer) -> Iterator[Page]:
    """A page in Chromium that opens the portal's paths and may complain about nothing."""
    with browsers.watched_page(chromium, portal_server.url) as page:
        yield page


@pytest.fixture
def softphone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Softphone]:
    """A real softphone that a dial URL makes call."""
    with telephones.softphone(tmp_path_factory.mktemp("softphone")) as phone:
        yield phone


@pytest.fixture
def called_party(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CalledParty]:
    """Somebody who answers calls and counts them."""
    with telephones.called_party(tmp_path_factory.mktemp("called-party")) as party:
        yield party
