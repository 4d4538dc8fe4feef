"""The audit trail: who did what, from where, when."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from portal.database import writing
from portal.dialing.discretion import HIDDEN, mask_fixed_secrets, shorten
from portal.dialing.template import MASK
from portal.extensions import db
from portal.models import AuditEvent

_LONGEST_SUBJECT = 255


class Action(StrEnum):
    """What can be done: the thing and the verb."""

    ACCESS_REFUSED = "access.refused"
    AUDIT_EXPORTED = "audit.exported"
    BACKUP_SAVED = "backup.saved"
    CALL_PLACED = "call.placed"
    CALL_REFUSED = "call.refused"
    CONFIRMATION_FAILED = "confirmation.failed"
    CTI_CHANGED = "cti.changed"
    CTI_PASSWORD_REMOVED = "cti.password-removed"  # noqa: S105 - a deed
    DEFAULT_PHONE_CHANGED = "default-phone.changed"
    DEFAULT_PHONE_REMOVED = "default-phone.removed"
    PHONE_SYSTEM_TRY = "phone-system.try"
    DIALLING_RESUMED = "dialling.resumed"
    DIALLING_STOPPED = "dialling.stopped"
    HANDLER_ADDED = "handler.added"
    HANDLER_CHANGED = "handler.changed"
    HANDLER_REMOVED = "handler.removed"
    KEYS_ROTATED = "keys.rotated"
    KEYS_SECRETS_FORGOTTEN = "keys.secrets-forgotten"
    OWN_DATA_EXPORTED = "user.data-exported"
    PASSWORD_CHANGED = "user.password-changed"  # noqa: S105 - a deed
    PASSWORD_RESET = "user.password-reset"  # noqa: S105 - a deed
    PERMISSIONS_CHANGED = "permissions.changed"
    PHONE_ADDED = "phone.added"
    PHONE_CHANGED = "phone.changed"
    PHONE_PREFERRED = "phone.preferred"
    PHONE_REMOVED = "phone.removed"
    RETENTION_CHANGED = "retention.changed"
    SCHEME_ADDED = "scheme.added"
    SCHEME_REMOVED = "scheme.removed"
    SESSIONS_ENDED = "session.all-ended"
    SESSION_ENDED = "session.ended"
    SESSION_STARTED = "session.started"
    SETUP_DONE = "setup.done"
    SETUP_LINK_MADE = "setup.link-made"
    SIGN_IN_FAILED = "sign-in.failed"
    SIGN_IN_PAUSED = "sign-in.paused"
    TARGET_ALLOWED = "target.allowed"
    TARGET_REMOVED = "target.removed"
    USER_ADDED = "user.added"
    USER_CHANGED = "user.changed"
    USER_DISABLED = "user.disabled"
    USER_ENABLED = "user.enabled"
    USER_RECORD_CHANGED = "user.record-changed"
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


@contextmanager
def acting(who: Actor) -> Iterator[None]:
    """Let somebody be the one who is at work while the block lasts."""
    token = actor.set(who)
    try:
        yield
    finally:
        actor.reset(token)


def record(
    action: Action,
    subject: str = "",
    *,
    changes: Mapping[str, tuple[str, str]] | None = None,
    **facts: str | int | None,
) -> None:
    """Note within the caller's transaction what the actor does.

    ``subject`` names the thing it is done to, ``changes`` the old and the new value of each
    field, ``facts`` what else belongs to it. Secrets and numbers come masked: of a value that
    is masked, it is known to have changed only if it is among the changes.
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
                field: [old, new]
                for field, (old, new) in (changes or {}).items()
                if old != new or HIDDEN in new
            },
            facts={name: value for name, value in facts.items() if value is not None},
        )
    )


def record_refusal(action: Action, subject: str, **facts: str | int | None) -> None:
    """Note in a transaction of its own that the actor was not let do something."""
    db.session.rollback()
    with writing():
        record(action, subject, changes=None, **facts)
        db.session.commit()


def snapshot(row: object, *fields: str) -> dict[str, str]:
    """Return fields of a row as the trail words them, to be compared with what they become."""
    return {field: _in_words(getattr(row, field)) for field in fields}


def record_change(
    action: Action,
    subject: str,
    before: Mapping[str, str],
    after: Mapping[str, str],
    **facts: str | int | None,
) -> None:
    """Note what differs between two snapshots, if anything does; secrets get masked here.

    A thing that is new has nothing before, one that is removed nothing after.
    """
    if changes := _changes(before, after):
        record(action, subject, changes=changes, **facts)


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {
        field: (_discreet(field, before.get(field, "")), _discreet(field, after.get(field, "")))
        for field in {**before, **after}
        if before.get(field, "") != after.get(field, "")
    }


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _discreet(field: str, value: str) -> str:
    mask = _MASKS.get(field)
    return mask(value) if mask else value


_MASKS = {
    "cti_pass_sealed": lambda sealed: sealed and MASK,
    "url": mask_fixed_secrets,
    "phone": shorten,
    "mobile": shorten,
    "fax": shorten,
}
