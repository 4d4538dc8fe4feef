"""The way from one page of a long list to the next."""

from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import request

from portal.paging import Page


class Pager(NamedTuple):
    """What stands below a long list."""

    number: int
    pages: int
    has_prev: bool
    has_next: bool
    prev_url: str
    next_url: str


def wanted_page() -> int:
    """Return the page the address asks for."""
    return request.args.get("page", 1, type=int)


def pager(page: Page[Any]) -> Pager:
    """Return the pager of this very view, with the same search."""
    return Pager(
        number=page.number,
        pages=page.pages,
        has_prev=page.number > 1,
        has_next=page.number < page.pages,
        prev_url=_address(page.number - 1),
        next_url=_address(page.number + 1),
    )


def _address(number: int) -> str:
    return f"{request.path}?{urlencode({**request.args.to_dict(), 'page': number})}"
