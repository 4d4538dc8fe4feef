"""Long lists: searched, and read a page at a time."""

from dataclasses import dataclass
from functools import reduce
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, func, select

from portal.extensions import db

T = TypeVar("T")

_MOST_WORDS = 8


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of the rows a search found."""

    items: list[T]
    number: int
    """Which page this is, from 1 on."""
    pages: int
    total: int
    """How many rows there are on all pages."""


def load(found: Select[T], number: int, *, size: int = 50) -> Page[T]:
    """Read one page of what a statement finds; beyond the last page, read the last."""
    total = (
        db.session.scalar(select(func.count()).select_from(found.order_by(None).subquery())) or 0
    )
    pages = max(1, -(-total // size))
    number = min(max(1, number), pages)
    items = db.session.scalars(found.limit(size).offset((number - 1) * size))
    return Page(list(items), number, pages, total)


def containing(text: str, *columns: SQLColumnExpression[str]) -> list[ColumnElement[bool]]:
    """Return the conditions that each word stands somewhere in the columns, in any letter case."""
    joined: SQLColumnExpression[str] = reduce(lambda left, right: left + " " + right, columns)
    words = [word for word in text.lower().split() if word.isprintable()]
    return [func.lower(joined).contains(word, autoescape=True) for word in words[:_MOST_WORDS]]
