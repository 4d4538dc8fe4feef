"""The first start: a one-time link makes the first administrator."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select

from portal import accounts, audit
from portal.accounts import Rights
from portal.audit import Action
from portal.database import now
from portal.errors import N_, ConflictError, ForbiddenError
from portal.extensions import db
from portal.identity import token_hash
from portal.models import Role, Setting, User

VALID_FOR = timedelta(minutes=60)

_NAME = "setup_link"


def is_done() -> bool:
    """Return whether there is an administrator."""
    return bool(db.session.scalar(select(exists().where(User.role == Role.ADMIN))))


def new_link() -> str:
    """Return the token of a new link; an older link ends. Raises ConflictError if setup is done."""
    if is_done():
        raise ConflictError("setup-done", N_("This portal has been set up. Sign in instead."))
    token = secrets.token_urlsafe(32)
    value = {"token_hash": token_hash(token), "valid_until": (now() + VALID_FOR).isoformat()}
    db.session.merge(Setting(name=_NAME, value=value))
    audit.record(Action.SETUP_LINK_MADE)
    db.session.commit()
    return token


def check(token: str) -> None:
    """Raise ForbiddenError unless the link with this token can be used now."""
    if is_done():
        raise ForbiddenError("setup-done", N_("This portal has been set up. Sign in instead."))
    link = db.session.scalar(select(Setting).where(Setting.name == _NAME).with_for_update())
    if link is None or not _opens(link, token):
        raise ForbiddenError(
            "setup-link",
            N_("This link is wrong, has been used, or is older than an hour."),
        )


def first_admin(
    token: str, *, login: str, password: str, record: Mapping[str, str], language: str
) -> User:
    """Make the first administrator; the link ends. Raises ForbiddenError, InvalidError."""
    check(token)
    db.session.execute(delete(Setting).where(Setting.name == _NAME))  # committed with the user
    audit.record(Action.SETUP_DONE)
    return accounts.create(
        login,
        password,
        rights=Rights(role=Role.ADMIN, may_manage_phones=True),
        record=record,
        language=language,
    )


def _opens(link: Setting, token: str) -> bool:
    is_right = secrets.compare_digest(link.value["token_hash"], token_hash(token))
    return is_right and now() <= datetime.fromisoformat(link.value["valid_until"])
