"""CTI credentials that a phone system refuses: sent seldom, for it could lock the account."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from types import SimpleNamespace

from sqlalchemy import ColumnElement, bindparam, delete, select

from portal import accounts
from portal.database import Lookup, find_or_add, now
from portal.dialing.outcome import Outcome, Verdict
from portal.dialing.template import Template
from portal.errors import N_, InvalidError
from portal.extensions import config, db
from portal.identity import Identity
from portal.models import CredentialRefusal


@dataclass(frozen=True, slots=True)
class Login:
    """The CTI credentials that one URL carries: whose, to which target, and their mark."""

    user_id: int
    target: str
    mark: str
    """Is another one for other credentials, and tells nothing about them."""


def login_of(caller: Identity, template: Template, target: str) -> Login | None:
    """Return the credentials that a URL carries, None if it has none. Raises KeyringError."""
    names = {variable.name for variable in template.variables}
    carried = {
        "CTI_USER": caller.cti_user if "CTI_USER" in names else None,
        "CTI_PASS": accounts.cti_password(caller) if "CTI_PASS" in names else None,
    }
    if not any(carried.values()):
        return None
    text = json.dumps(["credentials", caller.id, target, carried])
    key = config().secret_key.encode()
    return Login(caller.id, target, hmac.new(key, text.encode(), hashlib.sha256).hexdigest())


def check(caller: Identity, template: Template, target: str) -> None:
    """Refuse a call with credentials that have been refused too often. Raises InvalidError.

    The password is only opened if there is something to compare it with.
    """
    refusal = _BY_LOGIN.one(db.engine, user_id=caller.id, target=target)
    left = _seconds_left(refusal)
    if refusal and left > 0 and _is_of(refusal, login_of(caller, template, target)):
        raise InvalidError(
            "credentials-paused",
            N_(
                "The phone system has refused your CTI credentials %(count)s times in a row. "
                "Correct CTI user and CTI password under Security. The present ones are sent again "
                "in %(minutes)s min at the earliest, because the phone system could lock your "
                "account."
            ),
            count=str(refusal.count),
            minutes=str(ceil(left / 60)),
        )


def are_paused(login: Login) -> bool:
    """Tell whether these very credentials may not be sent now."""
    refusal = _BY_LOGIN.one(db.engine, user_id=login.user_id, target=login.target)
    return refusal is not None and _is_of(refusal, login) and _seconds_left(refusal) > 0


def learn(login: Login, outcome: Outcome) -> None:
    """Count a refusal; forget all once the credentials are accepted."""
    if outcome.kind == "credentials":
        _note_refusal(login)
    elif outcome.verdict is Verdict.ACCEPTED and _BY_LOGIN.one(
        db.engine, user_id=login.user_id, target=login.target
    ):
        db.session.execute(delete(CredentialRefusal).where(*_of(login)))
        db.session.commit()


_REFUSALS = CredentialRefusal.__table__
_BY_LOGIN = Lookup(
    select(_REFUSALS).where(
        _REFUSALS.c.user_id == bindparam("user_id"), _REFUSALS.c.target == bindparam("target")
    )
)


def _of(login: Login) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that find the row of somebody at a target."""
    return (CredentialRefusal.user_id == login.user_id, CredentialRefusal.target == login.target)


def _is_of(refusal: SimpleNamespace, login: Login | None) -> bool:
    return login is not None and hmac.compare_digest(refusal.mark, login.mark)


def _seconds_left(refusal: SimpleNamespace | None) -> float:
    """Return how long the refused credentials are not sent; 0 or less if they may be."""
    settings = config()
    if refusal is None or refusal.count < settings.credential_refusals:
        return 0.0
    pause = timedelta(seconds=settings.credential_pause)
    left: timedelta = refusal.refused_at + pause - now()
    return left.total_seconds()


def _note_refusal(login: Login) -> None:
    new = CredentialRefusal(
        user_id=login.user_id, target=login.target, mark=login.mark, count=0, refused_at=now()
    )
    refusal = find_or_add(db.session, select(CredentialRefusal).where(*_of(login)), new)
    refusal.count = refusal.count + 1 if refusal.mark == login.mark else 1
    refusal.mark, refusal.refused_at = login.mark, now()
    db.session.commit()
