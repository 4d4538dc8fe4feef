"""The stored phones: the default phone, and those of each user."""

from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal import audit
from portal.audit import Action
from portal.errors import N_, ConflictError, InvalidError, NotFoundError
from portal.extensions import db
from portal.models import Phone, User
from portal.phones.drafts import Draft, check, checked
from portal.phones.reach import carry_out, settle
from portal.phones.rulebook import rules
from portal.targets import UNDECIDED, Decision

_AUDITED = ("name", "url", "open_mode", "number_format", "outside_prefix", "secrets_allowed")


def default() -> Phone | None:
    """Return the default phone, or None while the practice phone stands in for it."""
    return db.session.scalar(select(Phone).where(Phone.owner_id.is_(None)))


def save_default(draft: Draft, decision: Decision = UNDECIDED) -> Phone:
    """Make this the phone that serves everybody.

    Here and below, a target that is not allowed yet needs a decision.
    """
    phone = default() or Phone(owner_id=None)
    _fill(phone, draft, decision, Action.DEFAULT_PHONE_CHANGED)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise ConflictError(
            "default-phone-changed",
            N_("Somebody else has just entered a default phone. Open the page again."),
        ) from None
    return phone


def remove_default() -> None:
    """Use the practice phone again."""
    if phone := default():
        _note(Action.DEFAULT_PHONE_REMOVED, phone, before=_told(phone))
        db.session.delete(phone)
        db.session.commit()


def of_user(user_id: int) -> list[Phone]:
    """Return the own phones of a user, by name."""
    return list(
        db.session.scalars(select(Phone).where(Phone.owner_id == user_id).order_by(Phone.name))
    )


def get(user_id: int, phone_id: int) -> Phone:
    """Return one of the user's own phones. Raises NotFoundError for any other."""
    phone = db.session.get(Phone, phone_id)
    if phone is None or phone.owner_id != user_id:
        raise NotFoundError("no-phone", N_("This phone no longer exists, or it is not yours."))
    return phone


def create(user_id: int, draft: Draft, decision: Decision = UNDECIDED) -> Phone:
    """Add an own phone to a user."""
    phone = Phone(owner_id=user_id)
    _fill(phone, draft, decision, Action.PHONE_ADDED)
    _commit_name(draft)
    return phone


def change(user_id: int, phone_id: int, draft: Draft, decision: Decision = UNDECIDED) -> Phone:
    """Change one of the user's own phones."""
    phone = get(user_id, phone_id)
    _fill(phone, draft, decision, Action.PHONE_CHANGED)
    _commit_name(draft)
    return phone


def delete(user_id: int, phone_id: int) -> None:
    """Delete one of the user's own phones; if it was preferred, the default phone is again."""
    phone = get(user_id, phone_id)
    _note(Action.PHONE_REMOVED, phone, before=_told(phone))
    db.session.delete(phone)
    db.session.commit()


def prefer(user_id: int, phone_id: int | None) -> None:
    """Let a user call with one of the own phones, or with the default phone."""
    name = "" if phone_id is None else get(user_id, phone_id).name
    user = db.session.get_one(User, user_id)
    if user.preferred_phone_id != phone_id:
        audit.record(Action.PHONE_PREFERRED, name, user_id=user_id, user=user.login)
    user.preferred_phone_id = phone_id
    db.session.commit()


def _fill(phone: Phone, draft: Draft, decision: Decision, action: Action) -> None:
    before = _told(phone) if phone in db.session else {}
    found = settle(check(draft, rules()), decision)
    fields = asdict(checked(draft, found))
    carry_out(decision, found, reason=fields["name"])
    for name, value in fields.items():
        setattr(phone, name, value)
    _note(action, phone, before=before, after=_told(phone))
    db.session.add(phone)


def _told(phone: Phone) -> dict[str, str]:
    return audit.snapshot(phone, *_AUDITED)


def _note(
    action: Action,
    phone: Phone,
    *,
    before: Mapping[str, str],
    after: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Note what is done to a phone, and whose it is."""
    with db.session.no_autoflush:  # a name that is taken is refused when all is committed
        owner = db.session.get(User, phone.owner_id) if phone.owner_id else None
    audit.record_change(
        action,
        phone.name,
        before,
        after,
        user_id=owner.id if owner else None,
        user=owner.login if owner else None,
    )


def _commit_name(draft: Draft) -> None:
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise InvalidError(
            "name-taken",
            N_("There is already a phone named “%(name)s”. Choose another name."),
            field="name",
            name=draft.name.strip(),
        ) from None
