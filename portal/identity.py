"""Who is signed in, read with one statement per request."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row, bindparam, literal, null, select, update

from portal.database import Lookup, now, writing
from portal.dialing.variables import RECORD_FIELDS
from portal.errors import N_, NotFoundError
from portal.extensions import config, db
from portal.models import Role, User, UserSession

TOUCH_INTERVAL = timedelta(minutes=5)
"""How exact "last used" is kept: at most one write per session and interval."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The signed-in user of a request: rights, record and preferences, not to be changed."""

    session_id: int
    confirmed_at: datetime | None
    """When this session last proved the password."""
    id: int
    name: str
    role: Role
    may_dial: bool
    may_manage_phones: bool
    language: str
    time_zone: str
    theme: str
    preferred_phone_id: int | None
    record: dict[str, str] = field(repr=False)
    """The record fields that can stand in dial URLs, by variable name."""
    cti_user: str = field(repr=False)
    cti_phone: str = field(repr=False)
    cti_pass_sealed: str = field(repr=False)

    is_authenticated = True
    is_active = True
    is_anonymous = False

    @property
    def is_confirmed(self) -> bool:
        """Whether the password was proved a short time ago."""
        if self.confirmed_at is None:
            return False
        return now() - self.confirmed_at < timedelta(seconds=config().confirm_after)

    @property
    def is_admin(self) -> bool:
        """Whether this is an administrator."""
        return self.role is Role.ADMIN


def token_hash(token: str) -> str:
    """Return what is stored of a token that only its holder knows."""
    return hashlib.sha256(token.encode()).hexdigest()


def identify(token: str) -> Identity | None:
    """Return who holds a session token, or None if the session is over or its user disabled."""
    row = _BY_TOKEN.one(db.engine, token_hash=token_hash(token))
    if row is None or not row.active or _is_over(row):
        return None
    if now() - row.last_used_at > TOUCH_INTERVAL:
        _touch(row.session_id)
    return _from_row(row)


def of_login(login: str) -> Identity:
    """Return an active user as the caller of an operation, without any session.

    Raises NotFoundError.
    """
    row = db.session.execute(_BY_LOGIN, {"login": login}).one_or_none()
    if row is None:
        raise NotFoundError("no-user", N_("There is no such user."))
    return _from_row(row)


_COLUMNS = [column for column in User.__table__.columns if column.name != "created_at"]
_BY_LOGIN = select(literal(0).label("session_id"), null().label("confirmed_at"), *_COLUMNS).where(
    User.login == bindparam("login"), User.active
)
_SESSIONS = UserSession.__table__
_BY_TOKEN = Lookup(
    select(
        _SESSIONS.c.id.label("session_id"),
        _SESSIONS.c.created_at.label("signed_in_at"),
        _SESSIONS.c.last_used_at,
        _SESSIONS.c.confirmed_at,
        *_COLUMNS,
    )
    .join(User.__table__, User.__table__.c.id == _SESSIONS.c.user_id)
    .where(_SESSIONS.c.token_hash == bindparam("token_hash"))
)


def _is_over(row: Row[Any] | SimpleNamespace) -> bool:
    idle: timedelta = now() - row.last_used_at
    age: timedelta = now() - row.signed_in_at
    return idle.total_seconds() > config().session_idle or (
        age.total_seconds() > config().session_lifetime
    )


def _touch(session_id: int) -> None:
    db.session.rollback()
    with writing():
        db.session.execute(
            update(UserSession).where(UserSession.id == session_id).values(last_used_at=now())
        )
        db.session.commit()


def _from_row(row: Row[Any] | SimpleNamespace) -> Identity:
    return Identity(
        session_id=row.session_id,
        confirmed_at=row.confirmed_at,
        id=row.id,
        name=f"{row.firstname} {row.surname}".strip() or row.login,
        role=row.role,
        may_dial=row.may_dial,
        may_manage_phones=row.may_manage_phones,
        language=row.language,
        time_zone=row.time_zone,
        theme=row.theme,
        preferred_phone_id=row.preferred_phone_id,
        record={name: getattr(row, name) for name in RECORD_FIELDS},
        cti_user=row.cti_user,
        cti_phone=row.cti_phone,
        cti_pass_sealed=row.cti_pass_sealed,
    )
