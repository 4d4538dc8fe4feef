"""Processes that write at once wait for each other; none is told that the database is locked."""

import os
from multiprocessing import get_context

import pytest

from portal import create_app
from portal.config import Config
from portal.extensions import db
from portal.models import Setting
from tests.support.databases import on_sqlite

WRITERS = 8
WRITES = int(os.environ.get("PROOF_WRITES", "125"))


def _write(config: Config) -> None:
    """Read and write many times, without a break."""
    app = create_app(config)
    for _ in range(WRITES):
        with app.app_context():
            db.session.get_one(Setting, "count").value += 1
            db.session.commit()


@on_sqlite
@pytest.mark.timeout(300)
def test_eight_writers_lose_no_write_and_none_is_refused(app):
    with app.app_context():
        db.session.add(Setting(name="count", value=0))
        db.session.commit()
        db.engine.dispose()
    processes = get_context("forkserver")
    processes.set_forkserver_preload(["portal.web", "portal.cli"])

    with processes.Pool(WRITERS) as pool:
        pool.map(_write, [app.extensions["config"]] * WRITERS, chunksize=1)

    with app.app_context():
        assert db.session.get_one(Setting, "count").value == WRITERS * WRITES
