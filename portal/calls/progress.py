"""How far a call has come: only forward, each step with its time."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import bindparam, literal_column, or_, select

from portal.database import Lookup, now, writing
from portal.dialing.cause import Cause
from portal.dialing.outcome import Outcome
from portal.extensions import config, db
from portal.models import Call, CallState

_IN_FLIGHT = frozenset({CallState.NEW, CallState.SENDING})
_WITH_PHONE_SYSTEM = _IN_FLIGHT | {CallState.ACCEPTED, CallState.HANDED_OVER, CallState.UNKNOWN}
_BEFORE: Mapping[CallState, frozenset[CallState]] = {
    CallState.SENDING: frozenset({CallState.NEW}),
    CallState.ACCEPTED: _IN_FLIGHT,
    CallState.FAILED: _IN_FLIGHT,
    CallState.UNKNOWN: _IN_FLIGHT,
    CallState.RINGING: _WITH_PHONE_SYSTEM,
    CallState.ANSWERED: _WITH_PHONE_SYSTEM | {CallState.RINGING},
    CallState.ENDED: _WITH_PHONE_SYSTEM | {CallState.RINGING, CallState.ANSWERED},
}
"""From which states a state can be reached."""

_FOLLOWED = {"practice"}
"""The connectors that report a call to its end; of others nothing comes after the answer."""

_SPARE_SECONDS = 10
"""How much longer than the longest exchange a call may stay without outcome."""

_OVER = frozenset({CallState.ENDED, CallState.FAILED})
_LIVELY = timedelta(minutes=1)
"""For so long after its last step something new of a call can be expected at any moment."""


def advance(
    call_id: str,
    state: CallState,
    outcome: Outcome | None = None,
    cause: Cause | None = None,
) -> bool:
    """Note a step of a call, with outcome and cause; tell whether the state could move there.

    A state only moves forward, and the first outcome stays.
    """
    call = db.session.get(Call, call_id, with_for_update=True, populate_existing=True)
    if call is None:
        db.session.rollback()
        return False
    moves = call.state in _BEFORE[state]
    if moves:
        call.state, call.changed_at = state, now()
        call.times = {**call.times, state.value: call.changed_at.isoformat()}
        if cause and state is CallState.ENDED:
            call.cause = cause
    if outcome and not call.outcome:
        call.outcome, call.status_code = outcome.kind, outcome.status
    db.session.commit()
    return moves


def is_settled(call: Call) -> bool:
    """Tell whether nothing more will come of a call, so that nobody needs to ask again."""
    if call.connector in _FOLLOWED and call.created_at > earliest_alive():
        return call.state in {CallState.ENDED, CallState.FAILED, CallState.UNKNOWN}
    if is_followed(call):
        return call.state in _OVER
    return not call.state.in_flight


def is_followed(call: Call) -> bool:
    """Tell whether a phone system can still report of a call: it holds a token that is valid."""
    return call.token_hash is not None and now() - call.created_at < token_lasts()


def pace(call: Call) -> int:
    """Return after how many seconds to look at a call again, 0 if nothing more will come."""
    if is_settled(call):
        return 0
    return 1 if call.state.in_flight or now() - call.changed_at < _LIVELY else 5


def token_lasts() -> timedelta:
    """Return for how long after the click a call token is valid."""
    return timedelta(seconds=config().call_token_lifetime)


def settle_lost(user_id: int | None = None) -> None:
    """Mark calls whose exchange was interrupted as unknown; they are never sent again.

    Of one user, or of everybody.
    """
    if user_id is not None and not _has_lost(user_id):
        return
    lost = select(Call.id).where(Call.state.in_(_IN_FLIGHT), Call.changed_at < earliest_alive())
    if user_id is not None:
        lost = lost.where(Call.user_id == user_id)
    call_ids = db.session.scalars(lost).all()
    if not call_ids:
        return
    db.session.rollback()
    with writing():
        for call_id in call_ids:
            advance(call_id, CallState.UNKNOWN, Outcome("lost"))


_CALLS = Call.__table__
_LOST = Lookup(
    select(_CALLS.c.id).where(
        _CALLS.c.user_id == bindparam("user_id"),
        _CALLS.c.changed_at < bindparam("latest"),
        or_(*(_CALLS.c.state == literal_column(f"'{state}'") for state in sorted(_IN_FLIGHT))),
    )
)


def _has_lost(user_id: int) -> bool:
    """Tell whether there is anything to settle, cheaply: every card asks each second."""
    latest = earliest_alive().replace(tzinfo=None).isoformat(" ", "microseconds")
    return _LOST.one(db.engine, user_id=user_id, latest=latest) is not None


def earliest_alive() -> datetime:
    """Return since when a call in flight can be at work; an earlier one was interrupted."""
    return now() - timedelta(seconds=config().exchange_timeout + _SPARE_SECONDS)
