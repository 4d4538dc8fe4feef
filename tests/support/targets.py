"""Where the phones of a test lead: allowed by an administrator, or failing."""

from datetime import timedelta

from portal import targets
from portal.database import now
from portal.dialing.target import check_url, parse_entry
from portal.extensions import db
from portal.models import PhoneSystem


def allow_target_of(url: str) -> None:
    """Allow exactly where an http(s) dial URL leads; others need nothing."""
    if url.startswith("http") and not url.startswith("http://<#"):
        entry = parse_entry(str(check_url(url.partition("<#")[0])))
        targets.add(entry, reason="test", by=None)
        db.session.commit()


def failing_system(target: str, *, paused: bool) -> PhoneSystem:
    """Return a phone system that has failed, and by now has a pause if so wished."""
    moment = now()
    return PhoneSystem(
        target=target,
        failures=5 if paused else 2,
        outcome="connection-refused",
        failed_at=moment,
        pause=30 if paused else 0,
        paused_until=moment + timedelta(seconds=30) if paused else None,
    )
