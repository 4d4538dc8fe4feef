"""Phones: where a call is sent, and how."""

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, validates

from portal.database import Base
from portal.dialing.number import NumberFormat
from portal.dialing.template import OpenMode
from portal.models.columns import handler_name, word

_NO_OWNER = text("owner_id IS NULL")


class Phone(Base):
    """A dial URL with its open mode and number format.

    The one phone without owner is the default phone and serves everybody.
    """

    __tablename__ = "phones"
    __table_args__ = (
        UniqueConstraint("owner_id", "name"),
        Index(
            "uq_phones_one_default",
            text("(owner_id IS NULL)"),
            unique=True,
            sqlite_where=_NO_OWNER,
            postgresql_where=_NO_OWNER,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    url: Mapped[str] = mapped_column(String(2048))
    starts_with: Mapped[str] = mapped_column(String(32), index=True)
    """The name at the start of the URL; follows it by itself."""
    open_mode: Mapped[OpenMode] = mapped_column(word(OpenMode), default=OpenMode.SERVER)
    number_format: Mapped[NumberFormat] = mapped_column(
        word(NumberFormat), default=NumberFormat.AS_ENTERED
    )
    outside_prefix: Mapped[str] = mapped_column(String(8), default="")
    secrets_allowed: Mapped[bool] = mapped_column(default=False)
    """An administrator lets secrets into this URL although the browser opens it."""

    @validates("url")
    def _follow_url(self, _key: str, url: str) -> str:
        self.starts_with = handler_name(url)
        return url
