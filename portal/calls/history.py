"""The calls somebody has made."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, or_, select

from portal import paging
from portal.calls.progress import settle_lost
from portal.database import now
from portal.dialing.number import shared_digits
from portal.errors import N_, NotFoundError
from portal.extensions import config, db
from portal.identity import Identity
from portal.models import Call, CallState
from portal.paging import Page

RESULTS = {
    "success": (
        CallState.HANDED_OVER,
        CallState.ACCEPTED,
        CallState.RINGING,
        CallState.ANSWERED,
        CallState.ENDED,
    ),
    "failed": (CallState.FAILED,),
    "unknown": (CallState.UNKNOWN,),
    "under-way": (CallState.NEW, CallState.SENDING),
}
"""What a list of calls can be narrowed to."""

PERIODS = {"today": 0, "week": 6, "month": 29}
"""Periods by how many days before today they begin."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What somebody looks for; empty and unknown words mean everything."""

    text: str = ""
    result: str = ""
    """A key of RESULTS."""
    period: str = ""
    """A key of PERIODS."""


def get(caller: Identity, call_id: str) -> Call:
    """Return one of the caller's calls. Raises NotFoundError for any other."""
    settle_lost(caller.id)
    call = db.session.get(Call, call_id)
    if call is None or call.user_id != caller.id:
        raise NotFoundError("no-call", N_("There is no such call, or it is not yours."))
    return call


def recent(caller: Identity, *, besides: str = "", count: int = 5) -> list[Call]:
    """Return the caller's newest calls, besides the one of this id."""
    settle_lost(caller.id)
    return list(db.session.scalars(_of(caller).where(Call.id != besides).limit(count)))


def search(caller: Identity, wanted: Filter, page: int = 1) -> Page[Call]:
    """Return a page of the caller's calls that fit, newest first."""
    settle_lost(caller.id)
    return paging.load(_found(caller, wanted), page)


def export(caller: Identity, wanted: Filter) -> list[Call]:
    """Return all of the caller's calls that fit, newest first."""
    settle_lost(caller.id)
    return list(db.session.scalars(_found(caller, wanted)))


def _of(caller: Identity) -> Select[Call]:
    return select(Call).where(Call.user_id == caller.id).order_by(Call.created_at.desc(), Call.id)


def _found(caller: Identity, wanted: Filter) -> Select[Call]:
    found = _of(caller)
    if text := wanted.text.strip():
        found = found.where(_mentions(text))
    if wanted.result in RESULTS:
        found = found.where(Call.state.in_(RESULTS[wanted.result]))
    if wanted.period in PERIODS:
        found = found.where(Call.created_at >= _begin(caller, PERIODS[wanted.period]))
    return found


def _mentions(text: str) -> ColumnElement[bool]:
    """Match a piece of a number in whatever spelling, or of a phone's name."""
    name = Call.phone_name.icontains(text, autoescape=True)
    digits = shared_digits(text, region=config().default_region)
    return or_(Call.number.contains(digits, autoescape=True), name) if digits else name


def _begin(caller: Identity, days: int) -> datetime:
    """Return the midnight with which a period begins where the caller lives."""
    today = now().astimezone(ZoneInfo(caller.time_zone))
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=days)
