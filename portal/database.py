"""What all tables share, and how the portal speaks to SQLite."""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import DateTime, Engine, MetaData, Select, event, func, make_url, select
from sqlalchemy.engine import Connection, Dialect, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Session, registry, scoped_session
from sqlalchemy.types import TypeDecorator

from portal.errors import N_, BusyError

# One SQLite library per process, named here alone: two of them on one file disturb each other.
if TYPE_CHECKING:
    import sqlite3 as sqlite
else:
    try:
        import pysqlite3.dbapi2 as sqlite
    except ImportError:  # there is no wheel for this platform
        import sqlite3 as sqlite

__all__ = ["sqlite"]

Row = TypeVar("Row", bound="Base")

_FIRST_SAFE_SQLITE = (3, 51, 3)
_PATIENCE = 5000
"""Milliseconds that somebody who wants to write waits for others who do."""
_LONGEST_NAP = 0.01
_TELLING = {"22", "P0"}
"""The classes of errors of PostgreSQL whose very message holds a value: of data, of functions."""

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    f"busy_timeout={_PATIENCE}",
    "temp_store=MEMORY",
    "journal_size_limit=67108864",
)

read_only: ContextVar[bool] = ContextVar("read_only", default=False)
"""True while a request only reads: its transactions then take no write lock on SQLite."""


def now() -> datetime:
    """Return the present, in UTC."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, kept as UTC without zone, given back with zone."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to naive UTC; a moment without zone would be a guess and is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a moment without time zone"
            raise ValueError(message)
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Add the zone."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """The base of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    registry = registry(metadata=metadata, type_annotation_map={datetime: UtcDateTime()})


def _lower(text: str | None) -> str | None:
    """Take the place of SQLite's own function, which knows no letters beyond a to z."""
    return None if text is None else text.lower()


@contextmanager
def reading() -> Iterator[None]:
    """Let transactions that begin inside take no write lock, also in a request that has written."""
    token = read_only.set(True)
    try:
        yield
    finally:
        read_only.reset(token)


@contextmanager
def writing() -> Iterator[None]:
    """Let transactions that begin inside write, also in a request that otherwise only reads."""
    token = read_only.set(False)
    try:
        yield
    finally:
        read_only.reset(token)


class Lookup:
    """A statement that finds at most one row, for what every request has to know.

    It is compiled once and read through the pool's driver connection, past session, objects
    and transaction: that is a quarter of the cost. It sees what is committed.
    """

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        self._prepared: dict[str, _Prepared] = {}

    def one(self, engine: Engine, **values: str | int) -> SimpleNamespace | None:
        """Return the row, its columns as attributes, or None."""
        prepared = self._prepared.get(engine.name) or self._prepare(engine)
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(prepared.sql, prepared.arguments(values))
            found = cursor.fetchone()
            cursor.close()
        finally:
            connection.close()
        return prepared.row(found) if found else None

    def _prepare(self, engine: Engine) -> "_Prepared":
        compiled = self._statement.compile(dialect=engine.dialect)
        columns = self._statement.selected_columns
        converters = [
            column.type.dialect_impl(engine.dialect).result_processor(engine.dialect, None)
            for column in columns
        ]
        prepared = _Prepared(
            sql=str(compiled),
            constants=dict(compiled.params),
            order=tuple(getattr(compiled, "positiontup", None) or ()),
            names=tuple(str(column.key) for column in columns),
            converters=tuple(
                (place, convert) for place, convert in enumerate(converters) if convert
            ),
        )
        self._prepared[engine.name] = prepared
        return prepared


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement in the words of one database driver."""

    sql: str
    constants: Mapping[str, Any]
    order: tuple[str, ...]
    """The order of the values, empty if the driver takes them by name."""
    names: tuple[str, ...]
    converters: tuple[tuple[int, Callable[[Any], Any]], ...]
    """For some columns, by place, what makes our value of the driver's."""

    def arguments(self, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as the driver wants
        everything = {**self.constants, **values}
        return [everything[name] for name in self.order] if self.order else everything

    def row(self, found: Sequence[Any]) -> SimpleNamespace:
        values = list(found)
        for place, convert in self.converters:
            values[place] = convert(values[place])
        return SimpleNamespace(**dict(zip(self.names, values, strict=True)))


def find_or_add(session: Session | scoped_session[Any], found: Select[Row], new: Row) -> Row:
    """Return the row that a statement finds, locked; the new one if there is none.

    Of two who add it at once the second gets the row of the first.
    """
    locked = found.with_for_update()
    if row := session.scalar(locked):
        return row
    try:
        with session.begin_nested():
            session.add(new)
    except IntegrityError:
        return session.scalars(locked).one()
    return new


def take_turn(connection: Connection, name: int, *, shared: bool = False) -> None:
    """Wait until nobody else has the turn of this name, and keep it for the transaction.

    Those who share it wait only for who does not. On SQLite each writing transaction waits
    for the others anyway.
    """
    if connection.dialect.name == "postgresql":
        take = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
        connection.execute(select(take(name)))


def is_safe_sqlite() -> bool:
    """Tell whether SQLite is free of an error that may, rarely, damage a database in WAL mode.

    Two connections have to write and to check-point in the same moment: sqlite.org/wal.html.
    """
    return sqlite.sqlite_version_info >= _FIRST_SAFE_SQLITE


def engine_options(uri: str) -> dict[str, Any]:
    """Return how SQLAlchemy opens a database."""
    options = {
        "hide_parameters": True,
        "pool_size": 16,
        "max_overflow": 16,
        "json_serializer": partial(json.dumps, ensure_ascii=False),  # can be searched
    }
    is_sqlite = make_url(uri).get_backend_name() == "sqlite"
    return {**options, "module": sqlite} if is_sqlite else options


def hide_values(engine: Engine) -> None:
    """Take out of the errors of PostgreSQL what may hold values of rows: details and contexts.

    They are shown on consoles and logged with tracebacks.
    """

    @event.listens_for(engine, "handle_error")
    def _hide(context: ExceptionContext) -> None:
        error, wrapper = context.original_exception, context.sqlalchemy_exception
        diagnostics = getattr(error, "diag", None)
        if diagnostics is None or diagnostics.sqlstate is None:  # it comes from no statement
            return
        told = "" if diagnostics.sqlstate[:2] in _TELLING else diagnostics.message_primary
        text = f"{told or 'the message may hold values'} (SQLSTATE {diagnostics.sqlstate})"
        error.args = (text,)
        if wrapper is not None:
            wrapper.args = (f"({type(error).__name__}) {text}",)


def configure_sqlite(engine: Engine) -> None:
    """Make every connection durable and every writing transaction take its lock at once.

    Without ``BEGIN IMMEDIATE`` a transaction that reads first and writes later fails with
    "database is locked" as soon as two of them meet.
    """

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite.Connection, _record: Any) -> None:  # noqa: ANN401
        connection.isolation_level = None
        connection.create_function("lower", 1, _lower, deterministic=True)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        cursor = connection.connection.cursor()
        if read_only.get():
            cursor.execute("BEGIN")
        else:
            _begin_writing(cursor)
        cursor.close()


def _begin_writing(cursor: DBAPICursor) -> None:
    """Begin as soon as nobody else writes. Raises BusyError.

    SQLite itself waits in ever longer naps, in which others who write without a break get the
    lock again and again; short ones give everybody their turn.
    """
    deadline = time.monotonic() + _PATIENCE / 1000
    cursor.execute("PRAGMA busy_timeout=0")
    try:
        while not _has_begun(cursor):
            if time.monotonic() > deadline:
                raise BusyError("database-busy", N_("The portal is busy. Try again in a moment."))
            time.sleep(random.uniform(0.0005, _LONGEST_NAP))  # noqa: S311 - no secret
    finally:
        cursor.execute(f"PRAGMA busy_timeout={_PATIENCE}")


def _has_begun(cursor: DBAPICursor) -> bool:
    try:
        cursor.execute("BEGIN IMMEDIATE")
    except sqlite.OperationalError as error:
        if error.sqlite_errorcode == sqlite.SQLITE_BUSY:
            return False
        raise
    return True
