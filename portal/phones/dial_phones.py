"""The phones somebody can call with, read for dialling with one statement and no ORM objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row, Select, bindparam, exists, or_, select

from portal.database import Lookup
from portal.dialing.number import NumberFormat
from portal.dialing.template import OpenMode
from portal.errors import N_, NotFoundError
from portal.extensions import db
from portal.identity import Identity
from portal.models import CredentialRefusal, Handler, Phone, PhoneSystem, Setting
from portal.phones.rulebook import SCHEMES_SETTING
from portal.targets import VERSION_SETTING

DEFAULT = "default"
"""The key of the phone without owner."""


@dataclass(frozen=True, slots=True)
class DialPhone:
    """A phone with all that its dial URL builds on."""

    key: str
    """What the dial page sends for it: ``default``, or the id as text."""
    id: int | None
    name: str
    url: str
    open_mode: OpenMode
    number_format: NumberFormat
    outside_prefix: str
    secrets_allowed: bool
    connector: str
    """How the call is made: ``http``, or ``practice`` which sends nothing."""
    handlers: Mapping[str, str]
    """The chain of CTI handlers at the start of the URL: name to URL."""
    extra_schemes: frozenset[str]
    targets_version: str
    """With which list of allowed targets it was read."""
    has_trouble: bool
    """Whether any phone system has a pause or refuses credentials: only then is it worth asking."""

    @property
    def contacts_target(self) -> bool:
        """Whether the portal's server sends a request."""
        return self.open_mode is OpenMode.SERVER and self.connector != PRACTICE.connector


PRACTICE = DialPhone(
    key=DEFAULT,
    id=None,
    name=N_("Practice phone"),
    url="https://phone-system.example/call?user=<#login#>&number=<#NUMBER#>",
    open_mode=OpenMode.SERVER,
    number_format=NumberFormat.INTERNATIONAL_00,
    outside_prefix="",
    secrets_allowed=False,
    connector="practice",
    handlers={},
    extra_schemes=frozenset(),
    targets_version="",
    has_trouble=False,
)
"""The default phone until an administrator enters a real one; its name is to be translated."""


def for_caller(caller: Identity, key: str = "") -> DialPhone:
    """Return the phone of this key; without one the caller's preferred, else the default phone.

    Raises NotFoundError for a phone that is not the caller's.
    """
    phone_id = _phone_id(caller, key)
    if phone_id is None:
        row = _DEFAULT_PHONE.one(db.engine)
        return _from_row(row) if row else PRACTICE
    row = _OWN_PHONE.one(db.engine, phone_id=phone_id, owner_id=caller.id)
    if row is None:
        raise NotFoundError(
            "no-phone", N_("This phone no longer exists, or it is not yours. Choose another one.")
        )
    return _from_row(row)


def choices(caller: Identity) -> list[DialPhone]:
    """Return all phones the caller can use: the default phone, then the own ones by name."""
    phones = [_from_row(row) for row in db.session.execute(_ALL_PHONES, {"owner_id": caller.id})]
    return phones if phones and phones[0].key == DEFAULT else [PRACTICE, *phones]


def _phone_id(caller: Identity, key: str) -> int | None:
    if not key:
        return caller.preferred_phone_id
    if key == DEFAULT:
        return None
    return int(key) if key.isascii() and key.isdigit() and len(key) < 10 else 0  # noqa: PLR2004 - fits every integer column


_PHONE = Phone.__table__
_SCHEMES, _TARGETS = (Setting.__table__.alias(name) for name in ("schemes", "targets"))
_TROUBLE = or_(
    exists().where(PhoneSystem.paused_until.is_not(None)),
    exists().where(CredentialRefusal.id.is_not(None)),
)
_FIRST, _SECOND, _THIRD = (Handler.__table__.alias(name) for name in ("first", "second", "third"))


def _phones() -> Select[Any]:
    """Return the statement all others are made of: phones, their handlers, and settings."""
    return (
        select(
            *_PHONE.c,
            _FIRST.c.url.label("first_url"),
            _FIRST.c.starts_with.label("second_name"),
            _SECOND.c.url.label("second_url"),
            _SECOND.c.starts_with.label("third_name"),
            _THIRD.c.url.label("third_url"),
            _SCHEMES.c.value.label("schemes"),
            _TARGETS.c.value.label("targets_version"),
            _TROUBLE.label("has_trouble"),
        )
        .outerjoin(_FIRST, _FIRST.c.name == _PHONE.c.starts_with)
        .outerjoin(_SECOND, _SECOND.c.name == _FIRST.c.starts_with)
        .outerjoin(_THIRD, _THIRD.c.name == _SECOND.c.starts_with)
        .outerjoin(_SCHEMES, _SCHEMES.c.name == SCHEMES_SETTING)
        .outerjoin(_TARGETS, _TARGETS.c.name == VERSION_SETTING)
    )


_DEFAULT_PHONE = Lookup(_phones().where(_PHONE.c.owner_id.is_(None)))
_OWN_PHONE = Lookup(
    _phones().where(
        _PHONE.c.id == bindparam("phone_id"), _PHONE.c.owner_id == bindparam("owner_id")
    )
)
_ALL_PHONES = (
    _phones()
    .where(_PHONE.c.owner_id.is_(None) | (_PHONE.c.owner_id == bindparam("owner_id")))
    .order_by(_PHONE.c.owner_id.is_not(None), _PHONE.c.name)
)


def _from_row(row: Row[Any] | SimpleNamespace) -> DialPhone:
    chain = (
        (row.starts_with, row.first_url),
        (row.second_name, row.second_url),
        (row.third_name, row.third_url),
    )
    return DialPhone(
        key=DEFAULT if row.owner_id is None else str(row.id),
        id=row.id,
        name=row.name,
        url=row.url,
        open_mode=row.open_mode,
        number_format=row.number_format,
        outside_prefix=row.outside_prefix,
        secrets_allowed=row.secrets_allowed,
        connector="http",
        handlers={name: url for name, url in chain if url is not None},
        extra_schemes=frozenset(row.schemes or ()),
        targets_version=row.targets_version or "",
        has_trouble=row.has_trouble,
    )
