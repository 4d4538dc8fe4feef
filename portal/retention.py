"""How long is kept what people did, and the deletion of what is older."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any, cast

import structlog
from flask import Flask
from sqlalchemy import ColumnElement, CursorResult, delete, exists, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from portal import audit, calls, sessions
from portal.audit import Action
from portal.database import now
from portal.errors import N_, InvalidError
from portal.extensions import db
from portal.models import AuditEvent, Call, CallState, Setting

CALL_DAYS = range(181)
AUDIT_DAYS = range(30, 3651)
INTERVAL = timedelta(hours=1)
"""How often is deleted, by whichever process sees first that it is time."""

_PERIODS = "retention"
_LAST_RUN = "retention_run"
_SHORTEST = timedelta(hours=1)
"""Calls are kept so long even if none shall be: what is limited by the hour is counted in them."""
_GRACE = timedelta(days=1)
_LOOK_EVERY = timedelta(minutes=5)
_BATCH = 500

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Periods:
    """For how many days is kept what people did."""

    calls: int = 30
    audit: int = 365


def periods() -> Periods:
    """Return what administrators have set."""
    setting = db.session.get(Setting, _PERIODS)
    return Periods(**setting.value) if setting else Periods()


def change(after: Periods) -> None:
    """Keep what people did for so long from now on. Raises InvalidError."""
    _check(after.calls, CALL_DAYS, field="calls")
    _check(after.audit, AUDIT_DAYS, field="audit")
    before = _words(periods())
    db.session.merge(Setting(name=_PERIODS, value=asdict(after)))
    audit.record_change(Action.RETENTION_CHANGED, "", before, _words(after))
    if last := db.session.get(Setting, _LAST_RUN):
        db.session.delete(last)  # what is too old by the new periods goes soon
    db.session.commit()


def last_run() -> datetime | None:
    """Return when was deleted last, as far as is known."""
    setting = db.session.get(Setting, _LAST_RUN)
    return datetime.fromisoformat(setting.value) if setting else None


def is_overdue() -> bool:
    """Tell whether something is there that should have been deleted a day ago or more."""
    return any(
        db.session.scalar(select(exists().where(too_old)))
        for too_old in (_old_calls(_GRACE), _old_events(_GRACE))
    )


def purge() -> int:
    """Delete what is too old and return how many entries that were."""
    calls.settle_lost()
    count = _delete(Call, _old_calls()) + _delete(AuditEvent, _old_events())
    sessions.drop_over()
    db.session.commit()
    return count


def purge_if_due() -> int | None:
    """Delete what is too old, unless some process has done so within the hour: then None."""
    return purge() if _take_turn() else None


def keep_watch(app: Flask) -> Thread:
    """Delete what is too old for as long as this process lives."""
    thread = Thread(target=_watch, args=(app,), name="retention", daemon=True)
    thread.start()
    return thread


def _watch(app: Flask) -> None:
    pause = Event()
    while True:
        with app.app_context():
            try:
                if count := purge_if_due():
                    _log.info("retention", deleted=count)
            except SQLAlchemyError as error:  # the database is away: it will come back
                _log.warning("retention failed", reason=type(error).__name__)
        pause.wait(_LOOK_EVERY.total_seconds())


def _take_turn() -> bool:
    """Tell whether it is time to delete; of several processes that ask at once, one is told so."""
    setting = db.session.get(Setting, _LAST_RUN, with_for_update=True, populate_existing=True)
    moment = now()
    if setting and timedelta() <= moment - datetime.fromisoformat(setting.value) < INTERVAL:
        db.session.rollback()
        return False
    setting = setting or Setting(name=_LAST_RUN)
    setting.value = moment.isoformat()
    db.session.add(setting)
    try:
        db.session.commit()
    except IntegrityError:  # another process was first, for the first time
        db.session.rollback()
        return False
    return True


def _check(days: int, allowed: range, *, field: str) -> None:
    if days not in allowed:
        raise InvalidError(
            "bad-period",
            N_("Enter a number of days from %(least)s to %(most)s."),
            field=field,
            least=str(allowed[0]),
            most=str(allowed[-1]),
        )


def _words(kept: Periods) -> dict[str, str]:
    return {"calls": str(kept.calls), "audit": str(kept.audit)}


def _old_calls(grace: timedelta = timedelta()) -> ColumnElement[bool]:
    in_flight = [state for state in CallState if state.in_flight]
    return (Call.created_at < _call_limit() - grace) & Call.state.not_in(in_flight)


def _old_events(grace: timedelta = timedelta()) -> ColumnElement[bool]:
    """Match old events; those of calls go with the calls, or they would say the same for longer."""
    limit = now() - timedelta(days=periods().audit)
    of_calls = AuditEvent.action.startswith("call.")
    return (AuditEvent.at < limit - grace) | (of_calls & (AuditEvent.at < _call_limit() - grace))


def _call_limit() -> datetime:
    return now() - max(timedelta(days=periods().calls), _SHORTEST)


def _delete(table: Any, too_old: ColumnElement[bool]) -> int:  # noqa: ANN401 - a mapped class
    """Delete a few rows at a time, so that nobody's call waits for a long transaction."""
    count, found = 0, _BATCH
    while found == _BATCH:
        some = select(table.id).where(too_old).limit(_BATCH).scalar_subquery()
        statement = delete(table).where(table.id.in_(some))
        result = db.session.execute(statement, execution_options={"synchronize_session": False})
        db.session.commit()
        found = cast("CursorResult[Any]", result).rowcount
        count += found
    return count
