"""Logs: one line per event with the id of its request, and never a number, a URL or a secret."""

import logging
import sys
import time
from typing import Any

import structlog
from flask import Flask, Response, g, request
from structlog.typing import Processor

_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.ExtraAdder(),
]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("portal.access")


def init_app(app: Flask) -> None:
    """Write a line for each request."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    app.before_request(_start)
    app.after_request(_finish)


def for_server() -> dict[str, Any]:
    """Return the settings of ``logging`` for a server: every logger, also gunicorn's, to stderr.

    JSON for machines, colours for a terminal.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter, "for_terminal": sys.stderr.isatty()}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": "INFO", "handlers": ["stderr"]},
        "loggers": {
            "alembic": {"level": "WARNING"},
            "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
            "gunicorn.access": {"level": "CRITICAL", "handlers": []},  # would write query strings
        },
    }


def formatter(*, for_terminal: bool) -> logging.Formatter:
    """Return what turns an event into a line.

    A traceback never shows the values of variables, which Rich would do: they are passwords,
    numbers, whole URLs.
    """
    last: list[Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if for_terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )


def _start() -> None:
    g.started = time.perf_counter()


def _finish(response: Response) -> Response:
    """Write what was asked for and what came of it.

    Of the address only the rule: whatever somebody put into it may be a number or a secret.
    """
    user = g.get("_login_user")
    _log.info(
        "request",
        method=request.method,
        path=str(request.url_rule or ""),
        status=response.status_code,
        milliseconds=round((time.perf_counter() - g.started) * 1000, 1),
        user_id=getattr(user, "id", None),
    )
    return response
