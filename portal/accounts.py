"""Accounts: who there is, what each may do, and what the portal knows of each."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pytz import common_timezones  # type: ignore[import-untyped] # the zones that Flask-Babel knows
from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError

from portal import audit, keyring, passwords, sessions
from portal.audit import Action
from portal.database import now
from portal.dialing.variables import RECORD_FIELDS, check_value
from portal.errors import N_, InvalidError, NotFoundError
from portal.extensions import db
from portal.identity import Identity
from portal.models import Role, User
from portal.paging import Page, containing, load

LANGUAGES = ("", "de", "en")
"""What a user may choose; empty follows the browser."""
TIME_ZONES: tuple[str, ...] = tuple(common_timezones)
PROFILE_FIELDS = tuple(name for name in RECORD_FIELDS if name != "login")
"""The record fields that everybody may change in the own record."""
CTI_PASS = "cti_pass"  # noqa: S105 - the name of a field

_RIGHTS = ("login", "role", "may_dial", "may_manage_phones")
_CTI = ("cti_user", "cti_phone", "cti_pass_sealed")
_RECORD = (*PROFILE_FIELDS, "language", "time_zone")
_PAGE_SIZE = 25
_LOGIN = re.compile(r"[a-z0-9._@-]{1,64}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True, slots=True)
class Rights:
    """What a user may do."""

    role: Role = Role.USER
    may_manage_phones: bool = False
    may_dial: bool = True


def get(user_id: int) -> User:
    """Return a user. Raises NotFoundError."""
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFoundError("no-user", N_("There is no such user."))
    return user


def search(text: str = "", page: int = 1) -> Page[User]:
    """Return the users whose name, login or department contain every word of the text."""
    columns = (User.firstname, User.surname, User.login, User.department)
    users = select(User).where(*containing(text, *columns))
    return load(_by_name(users), page, size=_PAGE_SIZE)


def colleagues(text: str = "", page: int = 1) -> Page[User]:
    """Return the active users whose name, work or numbers contain every word of the text."""
    names = (User.firstname, User.surname, User.login, User.email)
    work = (User.department, User.position, User.location, User.phone, User.mobile)
    active = select(User).where(User.active, *containing(text, *names, *work))
    return load(_by_name(active), page, size=_PAGE_SIZE)


def create(
    login: str,
    password: str,
    *,
    rights: Rights = Rights(),
    record: Mapping[str, str] | None = None,
    language: str = "",
) -> User:
    """Add a user. Raises InvalidError."""
    user = User(
        login=_check_login(login),
        language=_check_choice(language, LANGUAGES, "language"),
        **_check_record(record or {}),
    )
    _grant(user, rights)
    user.password_hash = passwords.make_hash(passwords.check(password, names=_names(user)))
    db.session.add(user)
    _commit_login(Action.USER_ADDED, user, before={})
    return user


def change_account(user_id: int, *, login: str, rights: Rights) -> None:
    """Change what a user is called and may do; another role ends all sessions.

    Raises InvalidError.
    """
    user = get(user_id)
    login = _check_login(login)
    if rights.role is not Role.ADMIN:
        _require_another_admin(user, field="role")
    before = audit.snapshot(user, *_RIGHTS)
    if rights.role is not user.role:
        sessions.drop(user_id)
    user.login = login
    _grant(user, rights)
    _commit_login(Action.USER_CHANGED, user, before)


def disable(user_id: int, *, by: int) -> None:
    """Let a user no longer sign in and end the sessions at once. Raises InvalidError."""
    if user_id == by:
        raise InvalidError("own-account", N_("You cannot disable your own account."))
    user = get(user_id)
    _require_another_admin(user)
    user.active = False
    db.session.flush()
    sessions.drop(user_id)
    _note(Action.USER_DISABLED, user)
    db.session.commit()


def enable(user_id: int) -> None:
    """Let a user sign in again."""
    user = get(user_id)
    user.active = True
    _note(Action.USER_ENABLED, user)
    db.session.commit()


def change_profile(
    user_id: int, record: Mapping[str, str], *, language: str, time_zone: str
) -> None:
    """Change what the portal knows of a user. Raises InvalidError."""
    checked = _check_record(record)
    checked["language"] = _check_choice(language, LANGUAGES, "language")
    checked["time_zone"] = _check_choice(time_zone, TIME_ZONES, "time_zone")
    user = get(user_id)
    before = audit.snapshot(user, *_RECORD)
    for name, value in checked.items():
        setattr(user, name, value)
    _note_change(Action.USER_RECORD_CHANGED, user, before)
    db.session.commit()


def change_preferences(
    user_id: int, *, language: str | None = None, theme: str | None = None
) -> None:
    """Change how the portal looks to a user; None leaves a preference as it is."""
    user = get(user_id)
    user.language = user.language if language is None else language
    user.theme = user.theme if theme is None else theme
    db.session.commit()


def change_password(user_id: int, current: str, new: str, *, keep_session: int) -> None:
    """Change the own password and end all other sessions. Raises InvalidError."""
    sessions.confirm(user_id, keep_session, current, field="current")
    _set_password(user_id, new, keep_session=keep_session, action=Action.PASSWORD_CHANGED)


def reset_password(user_id: int, new: str) -> None:
    """Give a user another password and end all the user's sessions. Raises InvalidError."""
    _set_password(user_id, new, keep_session=None, action=Action.PASSWORD_RESET)


def change_cti(user_id: int, *, cti_user: str, cti_pass: str | None, cti_phone: str) -> None:
    """Change a user's CTI credentials; no password keeps the stored one. Raises InvalidError."""
    cti_user = check_value(cti_user, field="cti_user")
    cti_phone = check_value(cti_phone, field="cti_phone")
    cti_pass = check_value(cti_pass or "", field=CTI_PASS)
    user = get(user_id)
    before = audit.snapshot(user, *_CTI)
    if cti_pass:
        user.cti_pass_sealed = keyring.seal(user_id, CTI_PASS, cti_pass)
        user.cti_pass_set_at = now()
    user.cti_user, user.cti_phone = cti_user, cti_phone
    _note_change(Action.CTI_CHANGED, user, before)
    db.session.commit()


def remove_cti_pass(user_id: int) -> None:
    """Forget a user's CTI password."""
    user = get(user_id)
    user.cti_pass_sealed, user.cti_pass_set_at = "", None
    _note(Action.CTI_PASSWORD_REMOVED, user)
    db.session.commit()


def cti_password(caller: Identity) -> str:
    """Return the caller's CTI password, "" if none is set. Raises KeyringError."""
    if not caller.cti_pass_sealed:
        return ""
    return keyring.current().open(caller.id, CTI_PASS, caller.cti_pass_sealed)


def _by_name(users: Select[User]) -> Select[User]:
    surname = func.lower(func.coalesce(func.nullif(User.surname, ""), User.login))
    return users.order_by(surname, func.lower(User.firstname), User.login)


def _check_login(login: str) -> str:
    login = login.strip().lower()
    if not _LOGIN.fullmatch(login):
        raise InvalidError(
            "bad-login",
            N_("Use 1 to 64 of these characters: letters a to z, digits, dot, hyphen, _ and @."),
            field="login",
        )
    return login


def _check_record(record: Mapping[str, str]) -> dict[str, str]:
    checked = {name: check_value(value, field=name) for name, value in record.items()}
    email = checked.get("email")
    if email and not _EMAIL.fullmatch(email):
        raise InvalidError("bad-email", N_("This is not an e-mail address."), field="email")
    return checked


def _check_choice(value: str, choices: Collection[str], field: str) -> str:
    if value not in choices:
        raise InvalidError("bad-choice", N_("Choose one of the entries of the list."), field=field)
    return value


def _grant(user: User, rights: Rights) -> None:
    user.role = rights.role
    user.may_manage_phones = rights.may_manage_phones
    user.may_dial = rights.may_dial


def _require_another_admin(user: User, *, field: str = "") -> None:
    """Refuse to take the last active administrator away; the lock makes two who try it meet."""
    active_admins = select(User.id).where(User.role == Role.ADMIN, User.active).order_by(User.id)
    if list(db.session.scalars(active_admins.with_for_update())) == [user.id]:
        raise InvalidError(
            "last-admin",
            N_("This is the last active administrator. Make somebody else an administrator first."),
            field=field,
        )


def _note(action: Action, user: User) -> None:
    """Note within the caller's transaction what is done to a user."""
    audit.record(action, user.login, user_id=user.id)


def _note_change(action: Action, user: User, before: Mapping[str, str]) -> None:
    after = audit.snapshot(user, *before)
    audit.record_change(action, user.login, before, after, user_id=user.id)


def _set_password(user_id: int, new: str, *, keep_session: int | None, action: Action) -> None:
    user = get(user_id)
    checked = passwords.check(new, names=_names(user), field="new")
    user.password_hash = passwords.make_hash(checked)
    db.session.flush()  # locks the row, so that a sign-in with the old password ends here as well
    sessions.drop(user_id, keep=keep_session)
    _note(action, user)
    db.session.commit()


def _names(user: User) -> list[str]:
    """Return what others know of a user and would try as a password."""
    known = (user.login, user.firstname, user.surname, user.email, user.department, user.location)
    return [name for name in known if name]


def _commit_login(action: Action, user: User, before: Mapping[str, str]) -> None:
    """Commit a user whose login is new; the login is the one thing that can be taken."""
    try:
        db.session.flush()
        after = audit.snapshot(user, *_RIGHTS)
        audit.record_change(action, user.login, before, after, user_id=user.id)
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise InvalidError(
            "taken", N_("Somebody has this login already. Choose another one."), field="login"
        ) from None
