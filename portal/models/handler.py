"""CTI handlers."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column, validates

from portal.database import Base
from portal.models.columns import handler_name


class Handler(Base):
    """A name at the start of dial URLs and the URL that takes its place."""

    __tablename__ = "handlers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32), unique=True)
    """In lower case, without ``://``."""
    url: Mapped[str] = mapped_column(String(2048))
    starts_with: Mapped[str] = mapped_column(String(32), index=True)
    """The name at the start of the URL; follows it by itself."""

    @validates("url")
    def _follow_url(self, _key: str, url: str) -> str:
        self.starts_with = handler_name(url)
        return url
