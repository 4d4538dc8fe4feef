"""Targets: the hosts and networks that the server may send requests to. Closed by default."""

import secrets
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import select, true
from sqlalchemy.exc import IntegrityError

from portal import audit
from portal.audit import Action
from portal.database import Lookup
from portal.dialing.certificate import Shown, check_authority, describe, fetch
from portal.dialing.target import (
    AllowList,
    Destination,
    Entry,
    check_entry,
    parse_entry,
    parse_host,
)
from portal.dialing.tls import Trust, TrustMode, parse_fingerprint
from portal.dialing.variables import check_value
from portal.errors import N_, DialError, InvalidError, NotFoundError
from portal.extensions import config, db
from portal.models import Setting, Target, User

HTTPS = 443

VERSION_SETTING = "targets_version"
"""The setting that gets another value with every change of the list; none means an empty list."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A target, and the name of who allowed it ("" if that is not known any more)."""

    target: Target
    allowed_by: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What an administrator decides about the target of a dial URL that is being saved.

    Without a decision a URL whose target is not allowed yet is refused.
    """

    entry: str = ""
    """What is to be allowed in the same step: only if it is exactly what the URL needs."""
    by: int | None = None
    leave_closed: bool = False
    """Save the URL all the same: the server contacts nothing until somebody allows it."""

    def allows(self, needed: str) -> bool:
        """Tell whether this is what has to be allowed."""
        return bool(needed) and self.entry == needed


UNDECIDED = Decision()


def overview() -> list[Listed]:
    """Return all targets, with who allowed them."""
    found = db.session.execute(
        select(Target, User).outerjoin(User, User.id == Target.created_by).order_by(Target.entry)
    )
    return [Listed(target, user.name if user else "") for target, user in found]


def get(target_id: int) -> Target:
    """Return a target. Raises NotFoundError."""
    target = db.session.get(Target, target_id)
    if target is None:
        raise NotFoundError("no-target", N_("This target is no longer in the list."))
    return target


def allow(entry_text: str, *, reason: str = "", by: int | None = None) -> Target:
    """Let the server contact a host, address or network from now on."""
    entry = _checked(entry_text)
    if _find(entry):
        raise InvalidError(
            "target-listed",
            N_("%(entry)s is allowed already."),
            field="entry",
            entry=str(entry),
        )
    target = add(entry, reason=check_value(reason.strip(), field="reason"), by=by)
    db.session.commit()
    return target


def add(entry: Entry, *, reason: str, by: int | None) -> Target:
    """Put an entry on the list, unless it is there; the caller commits."""
    if target := _find(entry):
        return target
    target = Target(entry=str(entry), reason=reason, created_by=by)
    try:
        with db.session.begin_nested():
            db.session.add(target)
    except IntegrityError:  # somebody else was faster
        return db.session.scalars(select(Target).where(Target.entry == str(entry))).one()
    audit.record(Action.TARGET_ALLOWED, target.entry, reason=reason)
    _note_change()
    return target


def remove(target_id: int) -> None:
    """No longer let the server contact a target, even if phones stop working."""
    target = get(target_id)
    db.session.delete(target)
    audit.record(Action.TARGET_REMOVED, target.entry)
    _note_change()
    db.session.commit()


def change_trust(
    target_id: int, mode: TrustMode, *, fingerprint: str = "", authority: str = ""
) -> None:
    """Decide what a phone system has to show over https, from the next call on."""
    target, trust = get(target_id), Trust(mode)
    if mode is TrustMode.PIN:
        trust = Trust(mode, fingerprint=parse_fingerprint(fingerprint))
    elif mode is TrustMode.AUTHORITY:
        trust = Trust(mode, authority=check_authority(authority))
    if trust == target.trust:
        return
    changes = {"trust": (describe(target.trust), describe(trust))}
    audit.record(Action.TARGET_TRUST_CHANGED, target.entry, changes=changes)
    target.trust = trust
    _note_change()
    db.session.commit()


def needs_host(target: Target) -> bool:
    """Tell whether only a host within a target has a certificate: it is a network."""
    return not parse_entry(target.entry).single_host


def show_certificate(target_id: int, host: str = "") -> Shown:
    """Ask the phone system at a target for its certificate; a network needs a host within it."""
    target = get(target_id)
    entry, trust = parse_entry(target.entry), target.trust
    settings = config()
    db.session.rollback()  # no transaction stays open while a phone system is asked
    try:
        destination = Destination(
            "https", entry.single_host or parse_host(host), entry.port or HTTPS
        )
        return fetch(
            destination,
            AllowList([entry], {entry: trust}),
            look_up_in=settings.look_up_timeout,
            seconds=settings.connect_timeout,
        )
    except DialError as error:
        error.field = "host"
        raise


def unverified() -> list[str]:
    """Return the targets that may show any certificate."""
    found = select(Target.entry).where(Target.trust_mode == TrustMode.UNVERIFIED)
    return list(db.session.scalars(found.order_by(Target.entry)))


def allow_list() -> AllowList:
    """Return what is allowed at this moment."""
    row = _VERSION.one(db.engine)
    return allow_list_at(row.value if row else "")


def allow_list_at(version: str) -> AllowList:
    """Return what is allowed, from memory while the list has not changed.

    ``version`` is the value of VERSION_SETTING, which whoever calls has just read with
    something else: so a change holds at once in every process.
    """
    kept: _Kept | None = current_app.extensions.get("allow_list")
    if kept is None or kept.version != version:
        kept = current_app.extensions["allow_list"] = _load()
    return kept.allow


_VERSION = Lookup(select(Setting.__table__.c.value).where(Setting.name == VERSION_SETTING))


@dataclass(frozen=True, slots=True)
class _Kept:
    """The list and its version, read together: then neither can be older than the other."""

    version: str
    allow: AllowList


def _load() -> _Kept:
    rows = db.session.execute(
        select(Setting.value, Target)
        .outerjoin(Target, true())
        .where(Setting.name == VERSION_SETTING)
    ).all()
    trusts = {parse_entry(target.entry): target.trust for _version, target in rows if target}
    return _Kept(rows[0][0] if rows else "", AllowList(trusts, trusts))


def _find(entry: Entry) -> Target | None:
    return db.session.scalar(select(Target).where(Target.entry == str(entry)))


def _checked(text: str) -> Entry:
    try:
        entry = parse_entry(text)
        check_entry(entry)
    except DialError as error:
        error.field = "entry"
        raise
    return entry


def _note_change() -> None:
    setting = db.session.get(Setting, VERSION_SETTING) or Setting(name=VERSION_SETTING)
    # Not a counter: one that a restored backup sets back would meet lists of other content.
    setting.value = secrets.token_hex(8)
    db.session.add(setting)
