"""How Alembic reaches the database: one migration at a time, all of it or nothing."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.util import CommandError
from flask import current_app
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from portal.database import UtcDateTime
from portal.extensions import db

_LOCK = 0x0C11C2D1
"""Any number will do; it names the lock on PostgreSQL."""
_PATIENCE = 60_000
"""Milliseconds to wait on SQLite for another migration to end."""


def migrate() -> None:
    """Migrate under a lock, so that servers that start together do not disturb each other."""
    try:
        with db.engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                _migrate_sqlite(connection)
            else:
                _migrate_postgresql(connection)
    except OperationalError as error:
        message = f"The database cannot be used: {error.orig}"
        raise CommandError(message) from None


def _migrate_sqlite(connection: Connection) -> None:
    """Migrate in one BEGIN IMMEDIATE, which is lock enough.

    SQLite changes a table by making a new one; with foreign keys on, dropping the old table
    would delete all rows that refer to it.
    """
    raw = connection.connection
    raw.execute("PRAGMA foreign_keys=OFF")
    raw.execute(f"PRAGMA busy_timeout={_PATIENCE}")
    _run(connection)
    connection.invalidate()  # the next one who connects gets the usual settings


def _migrate_postgresql(connection: Connection) -> None:
    with connection.begin():
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        _run(connection)


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        transactional_ddl=True,
        render_item=_render,
        **current_app.extensions["migrate"].configure_args,
    )
    with context.begin_transaction():
        _refuse_newer_database()
        context.run_migrations()
        if connection.dialect.name == "sqlite":
            _refuse_broken_references(connection)


def _render(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Write the portal's own column type as what it is to the database."""
    return "sa.DateTime()" if kind == "type" and isinstance(item, UtcDateTime) else False


def _refuse_newer_database() -> None:
    known = {script.revision for script in context.script.walk_revisions()}
    if unknown := set(context.get_context().get_current_heads()) - known:
        message = (
            f"The database was written by a newer version of the portal (revision "
            f"{', '.join(sorted(unknown))}). Start that version, or restore an older backup."
        )
        raise CommandError(message)


def _refuse_broken_references(connection: Connection) -> None:
    """Look at the foreign keys, which were off; the exception takes the migration back."""
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
        message = f"The migration would break {len(broken)} references between tables."
        raise CommandError(message)


migrate()
