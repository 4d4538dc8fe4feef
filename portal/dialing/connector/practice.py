"""The practice phone: sends nothing and plays a call, so that everybody can try the portal."""

import time

from portal.dialing.connector.contract import DialRequest, Progress, Report
from portal.dialing.outcome import Outcome

PACE = 1.0
"""Seconds from one step of the play to the next."""


def dial(_request: DialRequest, report: Report) -> Outcome:
    """Play a call that is answered and ends."""
    report(Progress.ACCEPTED)
    for progress in (Progress.RINGING, Progress.ANSWERED, Progress.ENDED):
        time.sleep(PACE)
        report(progress)
    return Outcome("accepted")
