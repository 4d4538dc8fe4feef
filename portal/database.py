"""What all tables share, and how the portal speaks to SQLite."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from types import SimpleNamespace
from typing import Any, TypeVar

from sqlalchemy import DateTime, Engine, MetaData, Select, event
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Session, registry, scoped_session
from sqlalchemy.types import TypeDecorator

Row = TypeVar("Row", bound="Base")

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=5000",
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


def configure_sqlite(engine: Engine) -> None:
    """Make every connection durable and every writing transaction take its lock at once.

    Without ``BEGIN IMMEDIATE`` a transaction that reads first and writes later fails with
    "database is locked" as soon as two of them meet. SQLite gives the lock to whoever happens to
    ask next; so that nobody waits for ever longer, of each process only one asks at a time.
    """
    turn = Lock()

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: Any) -> None:  # noqa: ANN401
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
            with turn:
                cursor.execute("BEGIN IMMEDIATE")
        cursor.close()
