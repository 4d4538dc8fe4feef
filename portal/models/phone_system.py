"""What phone systems have failed to do: answer, or accept somebody's credentials."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base


class PhoneSystem(Base):
    """A phone system that has failed since it answered last; one that answers has no row."""

    __tablename__ = "phone_systems"

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(String(264), unique=True)
    """Host and port."""
    failures: Mapped[int] = mapped_column(default=0)
    """How many calls have failed one after the other."""
    outcome: Mapped[str] = mapped_column(String(40))
    """The kind of outcome of the latest of them."""
    failed_at: Mapped[datetime]
    """When that was."""
    pause: Mapped[int] = mapped_column(default=0)
    """How many seconds the latest pause lasted, 0 if there was none."""
    paused_until: Mapped[datetime | None]
    """Until then no call is sent; afterwards only one, until that is answered."""
    probe_until: Mapped[datetime | None]
    """So long nobody else tries, because one call is at it."""


class CredentialRefusal(Base):
    """CTI credentials that a phone system has refused since it accepted the user's last."""

    __tablename__ = "credential_refusals"
    __table_args__ = (UniqueConstraint("user_id", "target"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    target: Mapped[str] = mapped_column(String(264))
    """Host and port."""
    mark: Mapped[str] = mapped_column(String(64))
    """Tells other credentials from these, and nothing about them."""
    count: Mapped[int] = mapped_column(default=0)
    """How many times they have been refused one after the other."""
    refused_at: Mapped[datetime]
    """When that was the last time."""
