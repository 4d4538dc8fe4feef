"""Phone systems that do not answer: given a pause, then tried by one call of all processes."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import ceil

import structlog
from sqlalchemy import bindparam, or_, select, update

from portal import audit
from portal.audit import Action
from portal.database import Lookup, find_or_add, now
from portal.dialing.outcome import Outcome
from portal.dialing.sign import Sign, sign_of
from portal.errors import N_, BusyError, NotFoundError
from portal.extensions import config, db
from portal.models import PhoneSystem

log = structlog.get_logger()

_SPARE_SECONDS = 5
"""How much longer than the longest exchange nobody else tries: its process may have died."""


class Condition(StrEnum):
    """How a phone system is that has failed."""

    FAILING = "failing"
    """It has failed lately, and calls are sent all the same."""
    PAUSED = "paused"
    """No call is sent."""
    READY = "ready"
    """The next call tries it."""
    TRYING = "trying"
    """A call is trying it just now."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The permission to send one call."""

    target: str
    is_probe: bool = False
    """Whether this is the one call that tries a phone system after its pause."""
    has_failed: bool = False
    """Whether there is something to forget if it succeeds."""


def overview() -> list[PhoneSystem]:
    """Return all that have failed since they answered last, those with a pause first."""
    return list(
        db.session.scalars(
            select(PhoneSystem).order_by(
                PhoneSystem.paused_until.is_(None), PhoneSystem.failed_at.desc(), PhoneSystem.id
            )
        )
    )


def condition(system: PhoneSystem) -> Condition:
    """Return how a phone system is at this moment."""
    moment = now()
    if system.paused_until is None:
        return Condition.FAILING
    if system.probe_until and system.probe_until > moment:
        return Condition.TRYING
    return Condition.PAUSED if system.paused_until > moment else Condition.READY


def check(target: str) -> None:
    """Raise BusyError if a call to a target would not be sent now."""
    system = _BY_TARGET.one(db.engine, target=target)
    if system is None or system.paused_until is None:
        return
    moment = now()
    if system.probe_until and system.probe_until > moment:
        raise BusyError(
            "paused",
            N_(
                "The phone system has not answered several times. Another call is trying it just "
                "now. Wait a moment, then call again."
            ),
        )
    if (left := (system.paused_until - moment).total_seconds()) > 0:
        raise BusyError(
            "paused",
            N_(
                "The phone system has not answered several times. The next try is in %(seconds)s "
                "seconds."
            ),
            seconds=str(max(2, ceil(left))),
        )


def admit(target: str) -> Admission | None:
    """Let a call be sent, or None: during a pause nobody's, after it one call's."""
    system = _BY_TARGET.one(db.engine, target=target)
    if system is None or system.paused_until is None:
        return Admission(target, has_failed=system is not None)
    if system.paused_until <= now() and _takes_probe(target):
        return Admission(target, is_probe=True, has_failed=True)
    return None


def learn(admission: Admission, outcome: Outcome) -> None:
    """Draw the conclusion from the outcome of a call that was admitted."""
    match sign_of(outcome):
        case Sign.FAILING:
            _note_failure(admission, outcome)
        case Sign.ALIVE if admission.has_failed:
            _forget(admission.target)
        case Sign.NONE if admission.is_probe:
            _give_back_probe(admission.target)


def try_now(system_id: int) -> PhoneSystem:
    """End a pause: the next call is sent, and tries. Raises NotFoundError."""
    system = db.session.get(PhoneSystem, system_id, with_for_update=True)
    if system is None or system.paused_until is None:
        raise NotFoundError(
            "no-phone-system", N_("This phone system has answered again in the meantime.")
        )
    system.paused_until = min(system.paused_until, now())
    audit.record(Action.PHONE_SYSTEM_TRY, system.target, failures=system.failures)
    db.session.commit()
    return system


_SYSTEMS = PhoneSystem.__table__
_BY_TARGET = Lookup(
    select(_SYSTEMS.c.paused_until, _SYSTEMS.c.probe_until).where(
        _SYSTEMS.c.target == bindparam("target")
    )
)


def _takes_probe(target: str) -> bool:
    """Take the right to try, which the database gives to one only."""
    moment = now()
    lease = timedelta(seconds=config().exchange_timeout + _SPARE_SECONDS)
    taken = db.session.scalar(
        update(PhoneSystem)
        .where(
            PhoneSystem.target == target,
            PhoneSystem.paused_until <= moment,
            or_(PhoneSystem.probe_until.is_(None), PhoneSystem.probe_until <= moment),
        )
        .values(probe_until=moment + lease)
        .returning(PhoneSystem.id)
    )
    db.session.commit()
    return taken is not None


def _note_failure(admission: Admission, outcome: Outcome) -> None:
    settings = config()
    found = select(PhoneSystem).where(PhoneSystem.target == admission.target)
    new = PhoneSystem(
        target=admission.target, failures=0, outcome=outcome.kind, failed_at=now(), pause=0
    )
    system = find_or_add(db.session, found, new)
    system.failures += 1
    system.outcome, system.failed_at = outcome.kind, now()
    fails_again = admission.is_probe and system.paused_until is not None
    if fails_again or (
        system.paused_until is None and system.failures >= settings.breaker_failures
    ):
        system.pause = min(system.pause * 2 or settings.breaker_pause, settings.breaker_longest)
        system.paused_until = system.failed_at + timedelta(seconds=system.pause)
        system.probe_until = None
        log.warning(
            "phone system paused",
            target=system.target,
            failures=system.failures,
            outcome=outcome.kind,
            seconds=system.pause,
        )
    db.session.commit()


def _forget(target: str) -> None:
    """Treat a phone system that answers like every other."""
    if system := db.session.scalar(select(PhoneSystem).where(PhoneSystem.target == target)):
        db.session.delete(system)
    db.session.commit()
    log.info("phone system answers again", target=target)


def _give_back_probe(target: str) -> None:
    db.session.execute(
        update(PhoneSystem).where(PhoneSystem.target == target).values(probe_until=None)
    )
    db.session.commit()
