"""Empty databases, built once by the migrations and copied for each test."""

import shutil
from pathlib import Path

from flask_migrate import upgrade

from portal import create_app
from portal.config import Config
from portal.database import sqlite
from portal.extensions import db
from tests.support.databases import PostgreSQL

TEMPLATE = "portal_template"
PACE: dict[str, int] = {
    "calls_in_flight": 100,
    "calls_per_minute": 10_000,
    "calls_per_hour": 10_000,
}
"""Tests call faster than people do; those about limits say which hold."""


def settings(data_dir: Path, database_url: str = "", **others: object) -> Config:
    """Return settings for a test: keys that protect nothing, passwords that hash fast."""
    keys_and_costs: dict[str, object] = {
        **PACE,
        "secret_key": "tests-" * 8,
        "encryption_keys": ("dGVzdHMtdGVzdHMtdGVzdHMtdGVzdHMtdGVzdHMtMDE=",),
        "password_memory_kib": 8,
        "password_rounds": 1,
    }
    return Config(data_dir=data_dir, database_url=database_url, **{**keys_and_costs, **others})  # type: ignore[arg-type]


def build_sqlite(folder: Path) -> Path:
    """Make the SQLite file that tests copy."""
    _migrate(settings(folder))
    path = folder / "portal.db"
    with sqlite.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


def build_postgresql(folder: Path, server: PostgreSQL) -> str:
    """Make the PostgreSQL database that tests copy and return its name."""
    _migrate(settings(folder, server.create(TEMPLATE)))
    return TEMPLATE


def copy_sqlite(template: Path, data_dir: Path) -> None:
    """Put a fresh database into a data folder."""
    data_dir.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, data_dir / "portal.db")


def _migrate(config: Config) -> None:
    app = create_app(config)
    with app.app_context():
        upgrade()
        db.engine.dispose()
