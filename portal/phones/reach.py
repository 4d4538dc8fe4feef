"""What the phones that the server dials with may reach: decided, refused, taken away."""

from dataclasses import replace

from sqlalchemy import select

from portal import targets
from portal.dialing.target import AllowList, parse_entry
from portal.errors import N_, InvalidError
from portal.extensions import db
from portal.models import Role, Target, User
from portal.phones.drafts import Check
from portal.phones.rulebook import MOST_NAMED, rules, stopped_by
from portal.targets import Decision

MOST_TARGETS_NAMED = 5

_CLOSED = frozenset({"not-on-allow-list", "port-not-allowed", "address-never-allowed"})
_ONLY_THESE = N_(
    "Your phone may only contact what is allowed: %(targets)s. Ask %(names)s to allow %(target)s."
)
_NOTHING_YET = N_(
    "Your phone may only contact what is allowed, and nothing is yet. "
    "Ask %(names)s to allow %(target)s."
)


def settle(found: Check, decision: Decision) -> Check:
    """Return what a check comes to with a decision about its target."""
    if found.is_closed and (decision.leave_closed or decision.allows(found.offer)):
        return replace(found, problem=None)
    return found


def carry_out(decision: Decision, found: Check, *, reason: str) -> None:
    """Allow the target of a URL that is being saved, if that was decided; the caller commits."""
    if decision.allows(found.offer):
        targets.add(parse_entry(found.offer), reason=reason, by=decision.by)


def for_owner(problem: InvalidError) -> InvalidError:
    """Say of a target that is not allowed what somebody who may not allow it can do."""
    if problem.kind not in _CLOSED or "target" not in problem.params:
        return problem
    entries = reachable()
    return InvalidError(
        problem.kind,
        _ONLY_THESE if entries else _NOTHING_YET,
        field=problem.field,
        target=problem.params["target"],
        targets=entries,
        names=", ".join(whom_to_ask()),
    )


def reachable() -> str:
    """Name what is allowed, five entries at most."""
    entries = [listed.target.entry for listed in targets.overview()]
    more = " …" if len(entries) > MOST_TARGETS_NAMED else ""
    return ", ".join(entries[:MOST_TARGETS_NAMED]) + more


def stopped_without_target(target: Target) -> list[str]:
    """Name the phones that could no longer be dialled with if a target were gone."""
    entries = (listed.target.entry for listed in targets.overview())
    rest = AllowList(parse_entry(entry) for entry in entries if entry != target.entry)
    return stopped_by(replace(rules(), allow=rest))


def whom_to_ask() -> list[str]:
    """Return the names of active administrators, three at most."""
    admins = select(User).where(User.role == Role.ADMIN, User.active).order_by(User.id)
    return [user.name for user in db.session.scalars(admins.limit(MOST_NAMED))]
