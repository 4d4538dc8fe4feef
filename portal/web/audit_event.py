"""An event of the audit trail in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from flask_babel import gettext

from portal import trail
from portal.audit import CONSOLE
from portal.errors import N_
from portal.models import AuditEvent


class Detail(NamedTuple):
    """A line of what else is known of an event."""

    label: str
    value: str


class Change(NamedTuple):
    """What a field was and what it has become."""

    label: str
    old: str
    new: str

    @property
    def is_hidden(self) -> bool:
        """Whether the part that has changed is masked."""
        return self.old == self.new

    def __str__(self) -> str:
        return f"{self.label}: {self.old} → {self.new}"


@dataclass(frozen=True, slots=True)
class EventLine:
    """What a page or a file tells of an event."""

    event: AuditEvent

    @property
    def what(self) -> str:
        """What was done."""
        action = self.event.action
        return gettext(_ACTIONS[action][0]) if action in _ACTIONS else action

    @property
    def icon(self) -> str:
        """The picture of what was done."""
        return _ACTIONS.get(self.event.action, ("", "circle-dot"))[1]

    @property
    def tone(self) -> str:
        """The colour of what was done."""
        return "bad" if trail.is_refusal(self.event) else ""

    @property
    def who(self) -> str:
        """Who did it."""
        name = self.event.actor_name
        return gettext("Console") if name == CONSOLE.name else name or gettext("Visitor")

    @property
    def changes(self) -> list[Change]:
        """The old and the new value of each field."""
        return [
            Change(_label(field), _value(field, old), _value(field, new))
            for field, (old, new) in self.event.changes.items()
        ]

    @property
    def details(self) -> list[Detail]:
        """What else is known; ids are for programs."""
        return [
            Detail(_label(name), _value(name, str(value)))
            for name, value in self.event.facts.items()
            if name not in {"user_id", "call"} and value != ""
        ]


def _label(name: str) -> str:
    """Return what a field is called; a name may have two parts, such as ``user: url``."""
    return ": ".join(
        str(gettext(_FIELDS[part])) if part in _FIELDS else part for part in name.split(": ")
    )


def _value(name: str, value: str) -> str:
    if name in _FREE_TEXT:
        return value
    return str(gettext(_VALUES[value])) if value in _VALUES else value


_ACTIONS: Mapping[str, tuple[str, str]] = {
    "access.refused": (N_("Access refused"), "ban"),
    "audit.exported": (N_("Audit trail saved as a file"), "download"),
    "backup.saved": (N_("Backup made"), "hard-drive"),
    "call.placed": (N_("Called"), "phone-outgoing"),
    "call.refused": (N_("Call refused"), "phone-off"),
    "confirmation.failed": (N_("Wrong password at a confirmation"), "key-round"),
    "cti.changed": (N_("CTI credentials changed"), "key-round"),
    "cti.password-removed": (N_("CTI password removed"), "key-round"),
    "default-phone.changed": (N_("Default phone changed"), "plug"),
    "default-phone.removed": (N_("Default phone removed"), "unplug"),
    "dialling.resumed": (N_("Dialling allowed again"), "phone-call"),
    "dialling.stopped": (N_("All dialling stopped"), "phone-off"),
    "handler.added": (N_("CTI handler added"), "route"),
    "handler.changed": (N_("CTI handler changed"), "route"),
    "handler.removed": (N_("CTI handler deleted"), "route"),
    "keys.rotated": (N_("Keys rotated"), "lock"),
    "keys.secrets-forgotten": (N_("Unreadable secrets forgotten"), "lock"),
    "permissions.changed": (N_("Dial permissions changed"), "shield-check"),
    "phone-system.try": (N_("Pause of a phone system ended"), "rotate-ccw"),
    "phone.added": (N_("Phone added"), "smartphone"),
    "phone.changed": (N_("Phone changed"), "smartphone"),
    "phone.preferred": (N_("Preferred phone chosen"), "smartphone"),
    "phone.removed": (N_("Phone deleted"), "smartphone"),
    "retention.changed": (N_("Retention changed"), "clock"),
    "scheme.added": (N_("Scheme added"), "link"),
    "scheme.removed": (N_("Scheme removed"), "link"),
    "session.all-ended": (N_("Sessions ended"), "log-out"),
    "session.ended": (N_("Session ended"), "log-out"),
    "session.started": (N_("Signed in"), "log-in"),
    "setup.done": (N_("Portal set up"), "check"),
    "setup.link-made": (N_("Link for the first administrator made"), "link"),
    "sign-in.failed": (N_("Sign-in failed"), "ban"),
    "sign-in.paused": (N_("Sign-in paused after wrong passwords"), "ban"),
    "target.allowed": (N_("Target allowed"), "server"),
    "target.removed": (N_("Target removed"), "server"),
    "target.trust-changed": (N_("Trust in a target changed"), "shield"),
    "user.added": (N_("User added"), "user-plus"),
    "user.changed": (N_("Login or rights changed"), "user-cog"),
    "user.data-exported": (N_("Own data saved as a file"), "download"),
    "user.disabled": (N_("User disabled"), "user-x"),
    "user.enabled": (N_("User enabled"), "user-round"),
    "user.password-changed": (N_("Own password changed"), "key-round"),
    "user.password-reset": (N_("Password of a user changed"), "key-round"),
    "user.record-changed": (N_("Record changed"), "user-round"),
}
"""Each action in words, and its icon."""

_FIELDS: Mapping[str, str] = {
    "admin": N_("Administrator"),
    "area": N_("Area"),
    "audit": N_("Days that the audit trail is kept"),
    "calls": N_("Days that calls are kept"),
    "cti_pass_sealed": N_("CTI password"),
    "cti_phone": N_("CTI phone"),
    "cti_user": N_("CTI user"),
    "department": N_("Department"),
    "email": N_("E-mail"),
    "failures": N_("Failures in a row"),
    "fax": N_("Fax"),
    "firstname": N_("First name"),
    "language": N_("Language"),
    "location": N_("Location"),
    "login": N_("Login"),
    "may_dial": N_("May call"),
    "may_manage_phones": N_("May set up own phones"),
    "mobile": N_("Mobile"),
    "name": N_("Name"),
    "number_format": N_("Number format"),
    "open_mode": N_("Opens a call"),
    "outside_prefix": N_("Outside-line prefix"),
    "pause": N_("Pause in seconds"),
    "period": N_("Period"),
    "phone": N_("Phone"),
    "position": N_("Position"),
    "reason": N_("Reason"),
    "role": N_("Role"),
    "secrets": N_("Secrets"),
    "secrets_allowed": N_("Secrets allowed in this URL"),
    "surname": N_("Surname"),
    "text": N_("Text"),
    "time_zone": N_("Time zone"),
    "title": N_("Title"),
    "trust": N_("Trust"),
    "url": N_("URL"),
    "user": N_("User"),
    "who": N_("Who"),
}
_FREE_TEXT = frozenset({"name", "phone", "surname", "firstname", "title", "text", "who", "login"})
_VALUES: Mapping[str, str] = {
    "yes": N_("yes"),
    "no": N_("no"),
    "admin": N_("Administrator"),
    "user": N_("User"),
    "server": N_("Server-side"),
    "client": N_("Client-side"),
    "window": N_("In a new window"),
    "as_entered": N_("As entered"),
    "international_00": N_("International with 00"),
    "e164": N_("International with +"),
    "e164_digits": N_("International without +"),
    "national": N_("National"),
    "de": N_("German"),
    "en": N_("English"),
    "forbidden": N_("no right to do this"),
    "csrf": N_("form without a valid token"),
    "may-not-dial": N_("no right to call"),
    "class-refused": N_("kind of number not allowed"),
    "country-refused": N_("country not allowed"),
    "emergency-number": N_("emergency number"),
    "dialling-stopped": N_("all dialling stopped"),
    "too-many-calls": N_("too many calls"),
    "call-under-way": N_("another call under way"),
    "paused": N_("phone system in a pause"),
    "credentials-paused": N_("CTI credentials refused before"),
    "secret-unreadable": N_("CTI password cannot be read"),
    "missing-value": N_("a value is missing"),
    "not-on-allow-list": N_("target not allowed"),
    "port-not-allowed": N_("port of the target not allowed"),
    "address-never-allowed": N_("address that is never allowed"),
}
"""What the trail says in one word."""
