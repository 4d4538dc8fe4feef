"""The audit trail."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, now


class AuditEvent(Base):
    """One thing that somebody did, or was refused; never changed."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_newest", "at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    actor_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    """Who did it; nobody for the console, for visitors, and for somebody who is gone."""
    actor_name: Mapped[str] = mapped_column(String(255), default="")
    """The name at that time."""
    address: Mapped[str] = mapped_column(String(64), default="")
    """The address that the request came from; empty for the console."""
    action: Mapped[str] = mapped_column(String(40))
    """A member of ``audit.Action``."""
    subject: Mapped[str] = mapped_column(String(255), default="")
    """What it was done to, in words; numbers and secrets masked."""
    changes: Mapped[dict[str, list[str]]] = mapped_column(JSON, default=dict)
    """Field to old and new value, secrets masked."""
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What else belongs to it, such as the phone of a call."""
