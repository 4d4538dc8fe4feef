"""What the proofs share: one portal, served by two processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import PortalServer, portal_server


@pytest.fixture
def servers(database_url: str, tmp_path: Path) -> Iterator[tuple[PortalServer, PortalServer]]:
    """Two servers on the same data."""
    settings = {"PORTAL_DATABASE_URL": database_url, "GUNICORN_CMD_ARGS": "--preload"}
    with (
        portal_server(tmp_path, **settings) as first,
        portal_server(tmp_path, **settings) as second,
    ):
        yield first, second
