"""Everything that leaves the portal: answers, logs, tables, files, the output of commands."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import inspect, text
from werkzeug.test import TestResponse

from portal import logs
from portal.extensions import db
from tests.support.canaries import Search
from tests.support.people import Client

_CSRF = re.compile(r'(name="csrf_token"[^>]* value="|"X-CSRFToken": ")[^"]+')
"""Where a page holds its own CSRF token."""


class WatchedClient(Client):
    """A browser that shows every answer to a search."""

    search: Search
    overlooks_next = False
    """Whether the next page has to hold a secret: the browser shall open it, or has sent it."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        place = f"the answer to {response.request.method} {response.request.path}"
        headers = [f"{name}: {value}" for name, value in response.headers if not _is_own(value)]
        self.search.see(f"{place}, headers", "\n".join(headers))
        if self.overlooks_next:
            self.overlooks_next = False
        elif response.mimetype == "text/html":
            self.search.see(place, _CSRF.sub("", response.text))
        else:
            self.search.see(place, response.data)
        return response


def _is_own(header: str) -> bool:
    """Tell the one header that has to hold a session: its cookie, closed to scripts."""
    return header.startswith("session=") and "HttpOnly" in header


def watch_answers(app: Flask, search: Search) -> None:
    """Let every browser of this application show its answers to a search."""
    app.test_client_class = type("Watched", (WatchedClient,), {"search": search})


class _Everything(logging.Handler):
    """Takes each event as a line for machines, as one for people, and as Python has it."""

    def __init__(self, search: Search) -> None:
        super().__init__(logging.NOTSET)
        self._search = search
        self._formatters = [
            logs.formatter(for_terminal=False),
            logs.formatter(for_terminal=True),
            logging.Formatter("%(message)s"),
        ]

    def emit(self, record: logging.LogRecord) -> None:
        place = f"the log of {record.name}"
        for formatter in self._formatters:
            self._search.see(place, formatter.format(record))
        self._search.see(place, repr(record.__dict__))


@contextmanager
def watched_logs(search: Search) -> Iterator[None]:
    """Take all that is logged while the block lasts, at level DEBUG."""
    root, handler = logging.getLogger(), _Everything(search)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def see_database(app: Flask, search: Search, data_dir: Path) -> None:
    """Take every row of every table, and of SQLite the bytes of its files."""
    with app.app_context():
        for table in inspect(db.engine).get_table_names():
            for row in db.session.execute(text(f'SELECT * FROM "{table}"')):  # noqa: S608 - our own
                search.see(f"the table {table}", repr(tuple(row)))
        db.session.rollback()
    for path in data_dir.glob("portal.db*"):
        search.see(f"the file {path.name}", path.read_bytes())
