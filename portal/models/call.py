"""Calls."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, now
from portal.dialing.template import OpenMode
from portal.models.columns import word


class CallState(StrEnum):
    """How far a call has come; it only moves forward."""

    NEW = "new"
    SENDING = "sending"
    HANDED_OVER = "handed_over"
    ACCEPTED = "accepted"
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @property
    def in_flight(self) -> bool:
        """Whether the portal itself is still at work on the call."""
        return self in {CallState.NEW, CallState.SENDING}


class Call(Base):
    """One attempt to call somebody, written down before anything is sent."""

    __tablename__ = "calls"
    __table_args__ = (
        UniqueConstraint("user_id", "click_token"),
        Index("ix_calls_user_newest", "user_id", "created_at"),
        Index("ix_calls_target_newest", "target", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=lambda: str(uuid.uuid4()))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    click_token: Mapped[str] = mapped_column(String(64))
    """One click on Call; a second call with the same token is the same call."""
    number: Mapped[str] = mapped_column(String(64))
    """The canonical dial string."""
    number_class: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """What the dial permissions took it for; empty for calls from before there were any."""
    phone_id: Mapped[int | None] = mapped_column(ForeignKey("phones.id", ondelete="SET NULL"))
    phone_name: Mapped[str] = mapped_column(String(80))
    connector: Mapped[str] = mapped_column(String(16))
    open_mode: Mapped[OpenMode] = mapped_column(word(OpenMode))
    masked_url: Mapped[str] = mapped_column(String(4096))
    """What was opened, with secrets masked."""
    target: Mapped[str] = mapped_column(String(264), default="", server_default="")
    """Host and port that the server contacts; empty if it does not."""
    state: Mapped[CallState] = mapped_column(word(CallState), default=CallState.NEW)
    outcome: Mapped[str] = mapped_column(String(40), default="")
    """The kind of the result once known, such as ``accepted`` or ``connection-refused``."""
    status_code: Mapped[int | None]
    """The HTTP status the phone system answered with."""
    cause: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """Why it ended, a Cause, as the phone system reported; empty if it did not."""
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True, index=True)
    """SHA-256 of the call token in the URL that was opened, as hex; None if none was in it."""
    times: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """When each state was reached: state to ISO 8601 in UTC."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    changed_at: Mapped[datetime] = mapped_column(default=now)
