"""What the portal and every connector agree on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from portal.dialing.outcome import Outcome


class Progress(StrEnum):
    """What a phone system may report of a call while or after it answers the request."""

    ACCEPTED = "accepted"
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class DialRequest:
    """One call to be made; times are seconds."""

    url: str = field(repr=False)
    """With all secrets."""
    connect_timeout: float
    answer_timeout: float
    exchange_timeout: float


Report = Callable[[Progress], None]
"""Takes what the phone system reports, from any thread."""

Dial = Callable[[DialRequest, Report], Outcome]
"""Makes a call and blocks until its outcome is known; no fault of a phone system raises."""
