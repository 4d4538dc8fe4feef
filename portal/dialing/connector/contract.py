"""What the portal and every connector agree on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from portal.dialing.outcome import Outcome
from portal.dialing.target import AllowList
from portal.dialing.transport import Limits


class Progress(StrEnum):
    """What a phone system may report of a call while or after it answers the request."""

    ACCEPTED = "accepted"
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class DialRequest:
    """One call to be made."""

    url: str = field(repr=False)
    """With all secrets."""
    allow: AllowList
    """Where requests may be sent."""
    limits: Limits


Report = Callable[[Progress], None]
"""Takes what the phone system reports, from any thread."""

Dial = Callable[[DialRequest, Report], Outcome]
"""Makes a call and blocks until its outcome is known; no fault of a phone system raises."""
