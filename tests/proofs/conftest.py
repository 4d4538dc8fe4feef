"""What the proofs share: one portal, served by two processes, and people who call."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from portal import phones
from portal.phones import Draft
from tests.support.clicks import Browser
from tests.support.server import PortalServer, portal_server
from tests.support.targets import allow_target_of


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """How often a proof is repeated: as its mark says, or as PROOF_ROUNDS does."""
    return int(os.environ.get("PROOF_ROUNDS", request.node.get_closest_marker("rounds").args[0]))


WIDE = {
    "PORTAL_CALLS_IN_FLIGHT": "100",
    "PORTAL_CALLS_PER_MINUTE": "10000",
    "PORTAL_CALLS_PER_HOUR": "100000",
    "PORTAL_CALLS_PER_TARGET_AND_MINUTE": "100000",
    "PORTAL_DIAL_PER_TARGET": "32",
}
"""Limits so wide that none of them ends a proof."""


@pytest.fixture
def settings() -> Mapping[str, str]:
    """What the servers are told besides where their data are."""
    return {}


@pytest.fixture
def servers(
    database_url: str, tmp_path: Path, settings: Mapping[str, str]
) -> Iterator[tuple[PortalServer, PortalServer]]:
    """Two servers on the same data, which start again quickly when they are killed."""
    environment = {
        "PORTAL_DATABASE_URL": database_url,
        "GUNICORN_CMD_ARGS": "--preload",
        **WIDE,
        **settings,
    }
    with (
        portal_server(tmp_path, **environment) as first,
        portal_server(tmp_path, **environment) as second,
    ):
        yield first, second


@pytest.fixture
def callers(servers: tuple[PortalServer, PortalServer]) -> Callable[[int, str], list[Browser]]:
    """Let people call with a dial URL. They take turns."""

    def make(count: int, dial_url: str) -> list[Browser]:
        server = servers[0]
        with server.app.app_context():
            allow_target_of(dial_url)
            phones.save_default(Draft("Desk phones", dial_url))
        people = [server.add({"login": f"caller{number}"}) for number in range(count)]
        browsers = [Browser(person) for person in people]
        server.close()  # who holds the database open spares SQLite the recovery after a crash
        return browsers

    return make
