"""People and their sessions."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.database import Base, now
from portal.models.columns import sealed, word


class Role(StrEnum):
    """What somebody is to the portal."""

    ADMIN = "admin"
    USER = "user"


class User(Base):
    """Somebody who signs in and calls; the record fields can stand in dial URLs."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(255), unique=True)
    """In lower case."""
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[Role] = mapped_column(word(Role), default=Role.USER)
    active: Mapped[bool] = mapped_column(default=True)
    may_manage_phones: Mapped[bool] = mapped_column(default=False)
    may_dial: Mapped[bool] = mapped_column(default=True)

    language: Mapped[str] = mapped_column(String(8), default="")
    """de or en; empty follows the browser."""
    time_zone: Mapped[str] = mapped_column(String(64), default="Europe/Berlin")
    theme: Mapped[str] = mapped_column(String(8), default="system")

    title: Mapped[str] = mapped_column(String(255), default="")
    firstname: Mapped[str] = mapped_column(String(255), default="")
    surname: Mapped[str] = mapped_column(String(255), default="")
    email: Mapped[str] = mapped_column(String(255), default="")
    phone: Mapped[str] = mapped_column(String(255), default="")
    mobile: Mapped[str] = mapped_column(String(255), default="")
    fax: Mapped[str] = mapped_column(String(255), default="")
    department: Mapped[str] = mapped_column(String(255), default="")
    position: Mapped[str] = mapped_column(String(255), default="")
    location: Mapped[str] = mapped_column(String(255), default="")

    cti_user: Mapped[str] = mapped_column(String(255), default="")
    cti_phone: Mapped[str] = mapped_column(String(255), default="")
    cti_pass_sealed: Mapped[str] = sealed("cti_pass")
    cti_pass_set_at: Mapped[datetime | None]

    preferred_phone_id: Mapped[int | None] = mapped_column(
        ForeignKey("phones.id", ondelete="SET NULL", use_alter=True)
    )
    """The own phone this user calls with; none means the default phone."""
    created_at: Mapped[datetime] = mapped_column(default=now)

    @property
    def name(self) -> str:
        """First name and surname, or the login."""
        return f"{self.firstname} {self.surname}".strip() or self.login


class UserSession(Base):
    """One signed-in browser."""

    __tablename__ = "user_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the token in the browser's cookie, as hex."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_used_at: Mapped[datetime] = mapped_column(default=now)
    address: Mapped[str] = mapped_column(String(64), default="")
    browser: Mapped[str] = mapped_column(String(255), default="")
    confirmed_at: Mapped[datetime | None] = mapped_column(default=now)
    """When the password was last proved; unknown for sessions older than this column."""

    user: Mapped[User] = relationship()


class PasswordTries(Base):
    """How often a password has been tried for a name without being right."""

    __tablename__ = "password_tries"

    name_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """The name, hashed with the portal's key: what people type here may be a password."""
    count: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(default=now)
    """The next try is not looked at before."""
    forgotten_at: Mapped[datetime] = mapped_column(default=now, index=True)
    """From then on the tries count no more."""
