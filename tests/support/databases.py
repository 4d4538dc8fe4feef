"""A PostgreSQL and a Redis of the tests' own, started without systemd."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.processes import drop_to, free_port, listens, require, running, wait_for

_POSTGRESQL_FOLDERS = "/usr/lib/postgresql/*/bin"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
}
_ROOM = 2 * 1024**3


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For tests of what does not depend on the database, or exists on SQLite only."""


class PostgreSQL:
    """A running server whose databases live only as long as the tests."""

    def __init__(self, port: int) -> None:
        self._address = f"127.0.0.1:{port}"
        self._admin = psycopg.connect(
            f"postgresql://postgres@{self._address}/postgres", autocommit=True
        )

    def url(self, name: str) -> str:
        """Return the address of a database for PORTAL_DATABASE_URL."""
        return f"postgresql://postgres@{self._address}/{name}"

    def create(self, name: str, template: str = "template0") -> str:
        """Make a database, a copy of another one if so wished, and return its address."""
        self._admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self._admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def close(self) -> None:
        """End the connection for administration."""
        self._admin.close()


@contextlib.contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """Run a PostgreSQL server; as root it runs as another user, which it insists on."""
    initdb = require("initdb", package="postgresql", folders=_POSTGRESQL_FOLDERS)
    postgres = require("postgres", package="postgresql", folders=_POSTGRESQL_FOLDERS)
    user = _unprivileged_user()
    folder = Path(tempfile.mkdtemp(prefix="portal-postgresql-", dir=_in_memory()))
    try:
        if user:
            shutil.chown(folder, user, user)
        data, port = folder / "data", free_port()
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"]
        subprocess.run(
            [initdb, "-D", data, *options],
            check=True,
            capture_output=True,
            cwd=folder,
            **drop_to(user),
        )
        settings = [part for item in _SETTINGS.items() for part in ("-c", "=".join(item))]
        command = [postgres, "-D", str(data), "-p", str(port), *settings]
        log = folder / "log"
        with running(command, log=log, cwd=folder, user=user, stop_signal=signal.SIGINT):
            wait_for(lambda: _accepts(port), "PostgreSQL to accept connections")
            with contextlib.closing(PostgreSQL(port)) as server:
                yield server
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Run a Redis server and give its address for PORTAL_REDIS_URL."""
    server, port = require("redis-server", package="redis-server"), free_port()
    command = [
        server,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    with running(command, log=folder / "redis.log"):
        wait_for(lambda: listens(port), "Redis to accept connections")
        yield f"redis://127.0.0.1:{port}/0"


def _in_memory() -> Path | None:
    """Return where files are in memory, if there is room: copying a database takes a third then."""
    folder = Path("/dev/shm")  # noqa: S108 - where Linux has it; mkdtemp makes a folder of our own
    has_room = os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > _ROOM
    return folder if has_room else None


def _accepts(port: int) -> bool:
    try:
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def _unprivileged_user() -> str | None:
    """Return whom to run as: root may not run PostgreSQL."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"
