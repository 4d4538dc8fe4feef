"""Sessions: who is signed in from which browser, and since when.

The browser holds a random token, the table its hash: reading the table signs nobody in,
and a row that is deleted ends its session at once.
"""

import secrets
from datetime import timedelta

from sqlalchemy import ColumnElement, Row, and_, delete, exists, select, update

from portal import audit, passwords, throttle
from portal.audit import Action, Actor
from portal.database import now
from portal.errors import N_, InvalidError, NotFoundError
from portal.extensions import config, db
from portal.identity import token_hash
from portal.models import User, UserSession

_LONGEST_BROWSER = 255


def sign_in(login: str, password: str, *, address: str, browser: str) -> str:
    """Return the token of a new session.

    Raises InvalidError, the same for whatever was wrong, and TooManyError.
    """
    name = _typed(login)
    pause = throttle.take(f"sign-in {name}")
    found = _find(name)
    if not passwords.verify(found.password_hash if found else None, password) or found is None:
        _note_failure(name, pause)
        raise _refusal()
    new_hash = found.password_hash
    if passwords.is_outdated(new_hash):
        new_hash = passwords.make_hash(password)
    unchanged = select(User).where(
        User.id == found.id, User.active, User.password_hash == found.password_hash
    )
    user = db.session.scalars(unchanged.with_for_update()).one_or_none()
    if user is None:  # disabled, or the password changed, while we were hashing
        _note_failure(name, pause)
        raise _refusal()
    user.password_hash = new_hash
    token = _begin(user.id, address=address, browser=browser)
    throttle.forget(f"sign-in {name}")
    with audit.acting(Actor(user.id, user.name, address)):
        audit.record(Action.SESSION_STARTED, user.login)
    db.session.commit()
    return token


def confirm(
    user_id: int, session_id: int, password: str, *, field: str = "confirm_password"
) -> None:
    """Note that whoever uses a session has just proved to know the user's password.

    Raises InvalidError and TooManyError. The tries have a count of their own, so that nobody
    who fails at the sign-in page can keep a user from confirming.
    """
    name = f"confirm {user_id}"
    pause = throttle.take(name, field=field)
    user = db.session.get_one(User, user_id)
    password_hash, login = user.password_hash, user.login
    db.session.rollback()  # hashing takes its time: let nobody wait for our lock meanwhile
    if not passwords.verify(password_hash, password):
        audit.record(Action.CONFIRMATION_FAILED, login, pause=_seconds(pause))
        db.session.commit()
        raise InvalidError("wrong-password", N_("This is not your present password."), field=field)
    throttle.forget(name)
    mine = update(UserSession).where(UserSession.id == session_id, UserSession.user_id == user_id)
    db.session.execute(mine.values(confirmed_at=now()))
    db.session.commit()


def sign_out(session_id: int) -> None:
    """End the session a user signs out of."""
    db.session.execute(delete(UserSession).where(UserSession.id == session_id))
    db.session.commit()


def of_user(user_id: int) -> list[UserSession]:
    """Return the sessions that are not over, the last used first."""
    mine = select(UserSession).where(UserSession.user_id == user_id, _is_open())
    return list(db.session.scalars(mine.order_by(UserSession.last_used_at.desc())))


def end(user_id: int, session_id: int) -> None:
    """End one session of a user. Raises NotFoundError if it is another user's."""
    found = db.session.get(UserSession, session_id)
    if found is None or found.user_id != user_id:
        raise NotFoundError("no-session", N_("This session has ended already."))
    db.session.delete(found)
    _note(Action.SESSION_ENDED, user_id)
    db.session.commit()


def end_others(user_id: int, *, keep: int | None = None) -> None:
    """End all sessions of a user but the one to keep."""
    drop(user_id, keep=keep)
    _note(Action.SESSIONS_ENDED, user_id)
    db.session.commit()


def drop(user_id: int, *, keep: int | None = None) -> None:
    """Delete the sessions of a user within the caller's transaction."""
    others = delete(UserSession).where(UserSession.user_id == user_id)
    db.session.execute(others if keep is None else others.where(UserSession.id != keep))


def drop_over() -> None:
    """Delete the sessions that are over, of everybody, within the caller's transaction."""
    db.session.execute(delete(UserSession).where(~_is_open()))


def _typed(login: str) -> str:
    """Return the login that somebody means, "" for what can be nobody's."""
    return login.strip().lower() if login.isprintable() else ""


def _find(login: str) -> Row[int, str] | None:
    """Return id and password hash of an active user."""
    known = select(User.id, User.password_hash).where(User.login == login, User.active)
    row = db.session.execute(known).one_or_none()
    db.session.rollback()  # hashing takes its time: let nobody wait for our lock meanwhile
    return row


def _note_failure(login: str, pause: timedelta) -> None:
    """Write down that a sign-in failed; a name that is nobody's may be a password and stays out."""
    is_known = db.session.scalar(select(exists().where(User.login == login)))
    subject = login if is_known else ""
    audit.record(Action.SIGN_IN_FAILED, subject)
    if pause:
        audit.record(Action.SIGN_IN_PAUSED, subject, pause=_seconds(pause))
    db.session.commit()


def _seconds(pause: timedelta) -> int | None:
    return int(pause.total_seconds()) or None


def _begin(user_id: int, *, address: str, browser: str) -> str:
    """Add a session, tidy up those that are over, and return the new token."""
    drop_over()
    token = secrets.token_urlsafe(32)
    db.session.add(
        UserSession(
            user_id=user_id,
            token_hash=token_hash(token),
            address=address,
            browser="".join(filter(str.isprintable, browser))[:_LONGEST_BROWSER],
        )
    )
    return token


def _is_open() -> ColumnElement[bool]:
    moment = now()
    return and_(
        UserSession.last_used_at >= moment - timedelta(seconds=config().session_idle),
        UserSession.created_at >= moment - timedelta(seconds=config().session_lifetime),
    )


def _note(action: Action, user_id: int) -> None:
    user = db.session.get_one(User, user_id)
    audit.record(action, user.login, user_id=user_id)


def _refusal() -> InvalidError:
    return InvalidError(
        "sign-in-failed",
        N_("Login or password is wrong, or the account is disabled."),
    )
