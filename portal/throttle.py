"""How often passwords may be tried: a few times, then with growing pauses, never locked for good.

A try is counted before the password is looked at and struck off if it was right, so tries
made at the same time cannot slip through together, in whatever process they are.
"""

import hashlib
import hmac
from datetime import timedelta
from math import ceil

from flask import current_app
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from portal.database import now
from portal.errors import N_, TooManyError
from portal.extensions import config, db
from portal.models import PasswordTries

_TWO_MINUTES = 120


def take(name: str, *, field: str = "") -> timedelta:
    """Count a try for a name and return the pause that follows if it is wrong.

    Commits. Raises TooManyError during a pause; the password is then not to be looked at.
    """
    tries, moment = _tries(name), now()
    if tries.next_at > moment:
        db.session.rollback()
        raise _refusal(ceil((tries.next_at - moment).total_seconds()), field)
    tries.count += 1
    pause = _pause_after(tries.count)
    tries.next_at = moment + pause
    tries.forgotten_at = tries.next_at + timedelta(seconds=config().sign_in_window)
    db.session.commit()
    return pause


def forget(name: str) -> None:
    """Strike off all tries for a name within the caller's transaction: one was right."""
    db.session.execute(delete(PasswordTries).where(PasswordTries.name_hash == _hash(name)))


def _tries(name: str) -> PasswordTries:
    """Return the tries for a name, locked, and tidy up what is forgotten."""
    db.session.execute(delete(PasswordTries).where(PasswordTries.forgotten_at < now()))
    wanted = select(PasswordTries).where(PasswordTries.name_hash == _hash(name)).with_for_update()
    if found := db.session.scalar(wanted):
        return found
    try:
        with db.session.begin_nested():
            first = PasswordTries(name_hash=_hash(name), count=0, next_at=now(), forgotten_at=now())
            db.session.add(first)
    except IntegrityError:  # another try was first
        return db.session.scalars(wanted).one()
    return first


def _hash(name: str) -> str:
    key = str(current_app.secret_key).encode()
    return hmac.new(
        key, b"tries|" + name.encode("utf-8", "surrogatepass"), hashlib.sha256
    ).hexdigest()


def _pause_after(count: int) -> timedelta:
    """Return the pause after so many wrong passwords in a row."""
    beyond = count - config().sign_in_tries
    if beyond < 0:
        return timedelta()
    doubled = config().sign_in_pause * 2 ** min(beyond, 30)
    return timedelta(seconds=min(doubled, config().sign_in_window))


def _refusal(seconds: int, field: str) -> TooManyError:
    if seconds <= _TWO_MINUTES:
        sentence, wait = (
            N_("Too many wrong passwords. Wait %(wait)s seconds, then try again."),
            seconds,
        )
    else:
        sentence, wait = (
            N_("Too many wrong passwords. Wait %(wait)s minutes, then try again."),
            ceil(seconds / 60),
        )
    return TooManyError(
        "too-many-tries", sentence, retry_after=seconds, field=field, wait=str(wait)
    )
