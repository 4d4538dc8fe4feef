"""A copy of the database while the portal goes on working."""

import os
from contextlib import closing
from pathlib import Path

from portal import audit
from portal.audit import Action
from portal.database import sqlite
from portal.errors import N_, PortalError
from portal.extensions import db


class BackupError(PortalError):
    """The backup could not be made."""

    status = 500


def save(target: Path) -> None:
    """Copy the SQLite database into a file, which appears only when it is whole and checked.

    Raises BackupError.
    """
    if db.engine.dialect.name != "sqlite":
        raise BackupError(
            "not-sqlite",
            N_("This portal keeps its data in PostgreSQL. Use pg_dump to back it up."),
        )
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _copy(unfinished)
        unfinished.replace(target)
    except OSError as error:
        raise BackupError(
            "backup-file",
            N_("The backup cannot be written to %(path)s: %(reason)s."),
            path=str(target),
            reason=error.strerror or str(error),
        ) from None
    finally:
        unfinished.unlink(missing_ok=True)
    audit.record(Action.BACKUP_SAVED, target.name)
    db.session.commit()


def _copy(unfinished: Path) -> None:
    """Copy page by page with SQLite's own means, and read the copy through once."""
    with db.engine.connect() as connection, closing(sqlite.connect(unfinished)) as copy:
        source = connection.connection.driver_connection
        assert isinstance(source, sqlite.Connection)  # noqa: S101 - the dialect was asked before
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, no companions
        findings = [row[0] for row in copy.execute("PRAGMA integrity_check")]
    if findings != ["ok"]:
        raise BackupError(
            "backup-damaged",
            N_("The copy is damaged, and so may be the database: %(finding)s."),
            finding=findings[0],
        )
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
