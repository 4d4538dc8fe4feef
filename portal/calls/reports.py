"""What a phone system may ask and report of the one call whose token it was given.

Of a token only the SHA-256 is stored and looked for: how long that takes tells something of
hashes, and nothing of tokens.
"""

import re
import secrets
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from portal.calls.progress import advance, token_lasts
from portal.database import Lookup, now
from portal.dialing.cause import read
from portal.errors import N_, InvalidError, NotFoundError, TokenError
from portal.extensions import db
from portal.identity import token_hash
from portal.models import Call, CallState, User

EVENTS = {state.value: state for state in (CallState.RINGING, CallState.ANSWERED, CallState.ENDED)}
"""What a phone system can report, in the order in which it happens."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_CALLS, _USERS = Call.__table__, User.__table__
_BY_TOKEN = Lookup(
    select(_CALLS.c.id, _CALLS.c.user_id, _CALLS.c.state, _CALLS.c.created_at, _USERS.c.active)
    .join(_USERS, _USERS.c.id == _CALLS.c.user_id)
    .where(_CALLS.c.token_hash == bindparam("token_hash"))
)


@dataclass(frozen=True, slots=True)
class _Opened:
    """The call that a token belongs to."""

    call_id: str
    user_id: int
    is_over: bool
    """Then the token is dead, but a report that comes twice is still acknowledged."""


def new_token() -> str:
    """Return a token that nobody can guess: 256 bits."""
    return secrets.token_urlsafe(32)


def caller_of(token: str) -> tuple[User, str]:
    """Return who makes the call, and the id of the call. Raises TokenError."""
    opened = _alive(_open(token))
    return db.session.get_one(User, opened.user_id), opened.call_id


def call_of(token: str, call_id: str) -> Call:
    """Return the call of a token. Raises TokenError, and NotFoundError for any other call."""
    return _call(_alive(_open(token)), call_id)


def report(token: str, call_id: str, event: str, cause: str = "") -> Call:
    """Note what a phone system reports and return the call as it now is.

    What comes late or twice changes nothing. Raises TokenError, NotFoundError for any call
    but the token's own, InvalidError for an event that there is not.
    """
    opened = _open(token)
    call = _call(opened, call_id)
    state = EVENTS.get(event)
    if state is None:
        raise InvalidError(
            "bad-event",
            N_("“event” has to be one of these words: %(events)s."),
            field="event",
            events=", ".join(EVENTS),
        )
    if not opened.is_over:
        db.session.rollback()
        advance(call_id, state, cause=read(cause) if cause else None)
        call = _call(opened, call_id)
    return call


def _open(token: str) -> _Opened:
    """Return what a token belongs to. Raises TokenError, the same for whatever is wrong."""
    known = _TOKEN.fullmatch(token)
    row = _BY_TOKEN.one(db.engine, token_hash=token_hash(token)) if known else None
    if row is None or not row.active or now() - row.created_at >= token_lasts():
        raise _refusal()
    return _Opened(row.id, row.user_id, is_over=row.state in {CallState.ENDED, CallState.FAILED})


def _alive(opened: _Opened) -> _Opened:
    if opened.is_over:
        raise _refusal()
    return opened


def _call(opened: _Opened, call_id: str) -> Call:
    call = db.session.get(Call, call_id) if call_id == opened.call_id else None
    if call is None:
        raise NotFoundError("no-call", N_("The token belongs to no call with this id."))
    return call


def _refusal() -> TokenError:
    return TokenError(
        "bad-token",
        N_("There is no valid call token in the request. It may be too old, or its call is over."),
    )
