"""Targets."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, now


class Target(Base):
    """A host or network that the server may send requests to."""

    __tablename__ = "targets"

    id: Mapped[int] = mapped_column(primary_key=True)
    entry: Mapped[str] = mapped_column(String(264), unique=True)
    """In the one spelling that ``parse_entry`` gives it."""
    reason: Mapped[str] = mapped_column(String(255), default="")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    """Who allowed it; nobody if that was done on the console, or by somebody who is gone."""
    created_at: Mapped[datetime] = mapped_column(default=now)
