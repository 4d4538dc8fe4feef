"""Targets."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, now
from portal.dialing.tls import Trust, TrustMode
from portal.models.columns import word


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
    trust_mode: Mapped[TrustMode] = mapped_column(
        word(TrustMode), default=TrustMode.SYSTEM, server_default=TrustMode.SYSTEM
    )
    fingerprint: Mapped[str] = mapped_column(String(64), default="", server_default="")
    authority: Mapped[str] = mapped_column(Text, default="", server_default="")

    @property
    def trust(self) -> Trust:
        """What has to be shown over https."""
        return Trust(self.trust_mode, self.fingerprint, self.authority)

    @trust.setter
    def trust(self, trust: Trust) -> None:
        self.trust_mode = trust.mode
        self.fingerprint = trust.fingerprint
        self.authority = trust.authority
