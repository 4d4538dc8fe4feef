"""The portal as it is installed: gunicorn in a process of its own, on SQLite."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Page

from portal import create_app
from portal.config import Config
from portal.extensions import db
from tests.support.people import Client, Person
from tests.support.processes import PATIENCE, free_port, listens, running, wait_for
from tests.support.schema import PACE

ROOT = Path(__file__).parents[2]


class PortalServer:
    """A running portal: its address, its data, its commands, and its people."""

    def __init__(self, data_dir: Path, settings: Mapping[str, str]) -> None:
        port = free_port()
        self.data_dir = data_dir
        self.bind = f"127.0.0.1:{port}"
        self.url = f"http://{self.bind}"
        self.log = data_dir / f"gunicorn-{port}.log"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")},
            "PORTAL_DATA_DIR": str(data_dir),
            "PORTAL_BIND": self.bind,
            **{f"PORTAL_{name.upper()}": str(limit) for name, limit in PACE.items()},
            **settings,
        }
        self.app = create_app(Config.from_environment(self.environment))
        """The same database and keys within the test's own process."""
        self.app.test_client_class = Client

    def flask(self, *arguments: str, input: str = "") -> subprocess.CompletedProcess[str]:  # noqa: A002
        """Run one of the portal's commands on this portal's data."""
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
            input=input,
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def add(self, record: dict[str, Any]) -> Person:
        """Give somebody an account."""
        return Person(self.app, record)

    def sign_in(self, page: Page, person: Person) -> None:
        """Give the page's browser the cookie of somebody who is signed in."""
        cookie = person.client.get_cookie("session")
        assert cookie is not None
        page.context.add_cookies([{"name": "session", "value": cookie.value, "url": self.url}])

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Run gunicorn while the block lasts."""
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "--config",
            "gunicorn.conf.py",
            "wsgi:app",
        ]
        with running(command, log=self.log, env=self.environment, cwd=ROOT) as process:
            port = int(self.bind.rpartition(":")[2])
            wait_for(lambda: process.poll() is not None or listens(port), "gunicorn to listen")
            assert process.poll() is None, self.log.read_text()
            # The port listens before the first worker has loaded the portal, which takes time.
            requests.get(f"{self.url}/healthz", timeout=PATIENCE)
            self._children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            yield

    def kill_workers(self) -> None:
        """Kill whoever answers requests, with no chance to tidy up; gunicorn starts anew."""
        for pid in self._children.read_text().split():
            os.kill(int(pid), signal.SIGKILL)

    def close(self) -> None:
        """Let go of the database."""
        with self.app.app_context():
            db.engine.dispose()


@contextlib.contextmanager
def portal_server(data_dir: Path, **settings: str) -> Iterator[PortalServer]:
    """Serve the portal on the database in a folder, with PORTAL_… settings of its own."""
    server = PortalServer(data_dir, settings)
    try:
        with server.serving():
            yield server
    finally:
        server.close()
        print(server.log.read_text())
