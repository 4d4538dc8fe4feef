"""How many calls are possible: of one user, and to one phone system."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import Row, bindparam, select

from portal.calls.progress import earliest_alive
from portal.database import now
from portal.dialing.number_class import NumberClass
from portal.errors import N_, TooManyError
from portal.extensions import config, db
from portal.identity import Identity
from portal.models import Call, CallState

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_SOON_SECONDS = 2
"""When to ask again about a call that is still on its way."""


def check(caller: Identity, number_class: NumberClass, target: str) -> None:
    """Raise TooManyError if one more call would be one too many.

    The calls are counted in the database, so that the limits hold over all processes. The
    caller's row is locked: no two of his calls are counted at once. Calls of different users
    to one target may be, on PostgreSQL; then a few more than allowed get through.
    """
    _check_user(_of_last_hour(caller), number_class)
    if target:
        _check_target(target)


def _check_user(
    calls: Sequence[Row[datetime, CallState, datetime, str]], number_class: NumberClass
) -> None:
    settings = config()
    alive = earliest_alive()
    if (
        sum(call.state.in_flight and call.changed_at > alive for call in calls)
        >= settings.calls_in_flight
    ):
        raise TooManyError(
            "call-under-way",
            N_(
                "Your last call is still on its way to the phone system. Try again in %(duration)s."
            ),
            retry_after=_SOON_SECONDS,
            duration=str(_SOON_SECONDS),
        )
    made = [call.created_at for call in calls]
    _check_rates(made, settings.calls_per_minute, _MINUTE, _PER_MINUTE)
    _check_rates(made, settings.calls_per_hour, _HOUR, _PER_HOUR)
    if number_class is NumberClass.INTERNATIONAL:
        abroad = [call.created_at for call in calls if call.number_class == number_class]
        _check_rates(abroad, settings.calls_abroad_per_hour, _HOUR, _ABROAD)


def _check_target(target: str) -> None:
    most = config().calls_per_target_and_minute
    values = {"target": target, "since": now() - _MINUTE, "newer": most - 1}
    if first := db.session.scalar(_FIRST_THAT_COUNTS, values):
        _refuse_until(first + _MINUTE, most, _TO_TARGET)


def _check_rates(made: Sequence[datetime], most: int, period: timedelta, sentence: str) -> None:
    """Refuse if as many calls were made within a period, newest first, as are possible."""
    if len(made) >= most:
        _refuse_until(made[most - 1] + period, most, sentence)


def _refuse_until(moment: datetime, most: int, sentence: str) -> None:
    """Refuse unless the moment has come from which one more call is possible."""
    wait = moment - now()
    if wait > timedelta(0):
        seconds = max(1, ceil(wait.total_seconds()))
        raise TooManyError(
            "too-many-calls",
            sentence,
            retry_after=seconds,
            duration=str(seconds),
            limit=str(most),
        )


_LAST_HOUR = (
    select(Call.created_at, Call.state, Call.changed_at, Call.number_class)
    .where(Call.user_id == bindparam("user_id"), Call.created_at > bindparam("since"))
    .order_by(Call.created_at.desc())
)
_FIRST_THAT_COUNTS = (
    select(Call.created_at)
    .where(Call.target == bindparam("target"), Call.created_at > bindparam("since"))
    .order_by(Call.created_at.desc())
    .offset(bindparam("newer"))
    .limit(1)
)
"""Made once: to build a statement takes longer than to run it, and others wait meanwhile."""


def _of_last_hour(caller: Identity) -> Sequence[Row[datetime, CallState, datetime, str]]:
    return db.session.execute(_LAST_HOUR, {"user_id": caller.id, "since": now() - _HOUR}).all()


_PER_MINUTE = N_(
    "You have made %(limit)s calls within a minute; more are not possible. "
    "You can call again in %(duration)s."
)
_PER_HOUR = N_(
    "You have made %(limit)s calls within an hour; more are not possible. "
    "You can call again in %(duration)s."
)
_ABROAD = N_(
    "You have made %(limit)s calls abroad within an hour; more are not possible. "
    "You can call abroad again in %(duration)s."
)
_TO_TARGET = N_(
    "The phone system has been asked for %(limit)s calls within a minute; more are not possible. "
    "Call again in %(duration)s."
)
