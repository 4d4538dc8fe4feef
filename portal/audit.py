"""The audit trail: who did what, from where, when."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from portal.extensions import db
from portal.models import AuditEvent

_LONGEST_SUBJECT = 255


class Action(StrEnum):
    """What can be done: the thing and the verb."""

    PHONE_SYSTEM_TRY = "phone_system.try"
    TARGET_ALLOWED = "target.allowed"
    TARGET_REMOVED = "target.removed"
    TARGET_TRUST_CHANGED = "target.trust-changed"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is at work; without any id the console, a visitor, or the portal itself."""

    user_id: int | None
    name: str
    address: str = ""


CONSOLE = Actor(None, "console")
actor: ContextVar[Actor] = ContextVar("actor", default=CONSOLE)
"""Who is at work in this request or command."""


def record(
    action: Action,
    subject: str = "",
    *,
    changes: Mapping[str, tuple[str, str]] | None = None,
    **facts: str | int | None,
) -> None:
    """Note within the caller's transaction what the actor does.

    ``subject`` names the thing it is done to, ``changes`` the old and the new value of each
    field, ``facts`` what else belongs to it. Secrets and numbers come masked.
    """
    who = actor.get()
    db.session.add(
        AuditEvent(
            actor_id=who.user_id,
            actor_name=who.name,
            address=who.address,
            action=action.value,
            subject=subject[:_LONGEST_SUBJECT],
            changes={
                field: [old, new] for field, (old, new) in (changes or {}).items() if old != new
            },
            facts={name: value for name, value in facts.items() if value is not None},
        )
    )
