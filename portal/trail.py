"""The audit trail as it is read: searched, a page at a time, as a file."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from itertools import chain

from sqlalchemy import ColumnElement, Select, String, cast, not_, or_, select

from portal import audit, paging
from portal.audit import Action
from portal.database import now, read_only
from portal.extensions import db
from portal.models import AuditEvent
from portal.paging import Page, containing

AREAS: Mapping[str, tuple[str, ...]] = {
    "calls": ("call", "dialling"),
    "sign-ins": ("sign-in", "session", "confirmation"),
    "users": ("user", "cti", "setup"),
    "click2dial": ("default-phone", "phone", "handler", "scheme", "target", "permissions"),
}
"""What the trail can be narrowed to, and the things that each area is about."""
REFUSALS, OTHERS = "refusals", "others"
"""Two areas more: what somebody was not let do, and what belongs to no area."""
PERIODS = {"day": 1, "week": 7, "month": 30, "year": 365}
"""Periods by how many days they go back."""

_REFUSED = (".refused", ".failed", ".paused")
_BATCH = 500
_TEXTS = (
    AuditEvent.subject,
    AuditEvent.address,
    cast(AuditEvent.changes, String),
    cast(AuditEvent.facts, String),
)
_NEWEST = (AuditEvent.at.desc(), AuditEvent.id.desc())


@dataclass(frozen=True, slots=True)
class Filter:
    """What somebody looks for; empty and unknown words mean everything."""

    text: str = ""
    who: str = ""
    """A piece of the name of who did it."""
    area: str = ""
    """A key of AREAS, or one of the two more."""
    period: str = ""
    """A key of PERIODS."""


def search(wanted: Filter, page: int = 1) -> Page[AuditEvent]:
    """Return a page of the events that fit, newest first."""
    return paging.load(_found(wanted), page)


def export(wanted: Filter) -> Iterator[AuditEvent]:
    """Return all events that fit, newest first; that they leave the portal is noted before."""
    chosen = {name: value for name, value in asdict(wanted).items() if value}
    audit.record(Action.AUDIT_EXPORTED, changes=None, **chosen)
    db.session.commit()
    return _in_batches(_found(wanted))


def of_user(user_id: int) -> list[AuditEvent]:
    """Return what a user did and what was done to the user, newest first."""
    about = AuditEvent.facts["user_id"].as_integer() == user_id
    events = select(AuditEvent).where(or_(AuditEvent.actor_id == user_id, about))
    return list(db.session.scalars(events.order_by(*_NEWEST)))


def _in_batches(events: Select[AuditEvent]) -> Iterator[AuditEvent]:
    """Read some at a time: whoever takes the file slowly must hold up nobody."""
    read_only.set(True)
    batch = _load(events)
    while batch:
        yield from batch
        last = batch[-1]
        older = or_(AuditEvent.at < last.at, AuditEvent.id < last.id)
        batch = _load(events.where(AuditEvent.at <= last.at, older))


def _load(events: Select[AuditEvent]) -> list[AuditEvent]:
    batch = list(db.session.scalars(events.limit(_BATCH)))
    db.session.expunge_all()
    db.session.rollback()
    return batch


def _found(wanted: Filter) -> Select[AuditEvent]:
    found = select(AuditEvent).order_by(*_NEWEST)
    found = found.where(*containing(wanted.text, *_TEXTS))
    found = found.where(*containing(wanted.who, AuditEvent.actor_name))
    if wanted.area in _IN_AREA:
        found = found.where(_IN_AREA[wanted.area]())
    if wanted.period in PERIODS:
        found = found.where(AuditEvent.at >= now() - timedelta(days=PERIODS[wanted.period]))
    return found


def is_refusal(event: AuditEvent) -> bool:
    """Tell whether somebody was not let do something."""
    return event.action.endswith(_REFUSED)


def _about(things: Iterable[str]) -> ColumnElement[bool]:
    return or_(*(AuditEvent.action.startswith(f"{thing}.", autoescape=True) for thing in things))


_IN_AREA: Mapping[str, Callable[[], ColumnElement[bool]]] = {
    **{area: partial(_about, things) for area, things in AREAS.items()},
    REFUSALS: lambda: or_(*map(AuditEvent.action.endswith, _REFUSED)),
    OTHERS: lambda: not_(_about(chain(*AREAS.values()))),
}
