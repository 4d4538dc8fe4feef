"""The Security tab: CTI credentials, password, sessions."""

from typing import NamedTuple

from flask import Response as FlaskResponse
from flask import flash
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo

from portal import accounts, passwords, sessions
from portal.errors import InvalidError
from portal.models import User, UserSession
from portal.web.accounts import signed_out
from portal.web.browsers import Browser, recognise
from portal.web.confirmation import ProtectedForm, confirmed
from portal.web.forms import Form
from portal.web.guards import me
from portal.web.htmx import answer, redirect, wants_fragment
from portal.web.settings import bp
from portal.web.settings.subject import subject, tab_url


class CtiForm(ProtectedForm):
    """CTI credentials; the password can be written but never read."""

    cti_user = StringField(_l("CTI user"))
    cti_phone = StringField(_l("CTI phone"))
    cti_pass = PasswordField(_l("CTI password"))


class NewPassword(Form):
    """A new password, typed twice."""

    new = PasswordField(
        _l("New password"),
        [DataRequired(_l("Choose a password."))],
        render_kw={"minlength": passwords.SHORTEST},
    )
    repeat = PasswordField(
        _l("Repeat the new password"), [EqualTo("new", _l("The two passwords differ."))]
    )


class ResetForm(NewPassword, ProtectedForm):
    """A new password for somebody else."""


class PasswordForm(NewPassword):
    """A new password for oneself; the present one is proof enough."""

    current = PasswordField(
        _l("Present password"), [DataRequired(_l("Enter your present password."))]
    )


class OpenSession(NamedTuple):
    """A line of the list of sessions."""

    row: UserSession
    browser: Browser
    is_this: bool


@bp.route("/settings/security", methods=["GET", "POST"])
@bp.route("/admin/users/<int:user_id>/security", methods=["GET", "POST"], endpoint="user_security")
def security(user_id: int | None = None) -> Response:
    """Show the tab, change the CTI credentials."""
    user = subject(user_id)
    form = CtiForm(obj=user)
    if form.validate_on_submit():
        try:
            accounts.change_cti(
                user.id,
                cti_user=form.cti_user.data,
                cti_pass=form.cti_pass.data,
                cti_phone=form.cti_phone.data,
            )
        except InvalidError as error:
            form.refuse(error)
        else:
            return _saved(gettext("Saved."), user_id)
    return _answer(user, user_id, "settings/_cti.html", cti_form=form)


@bp.post("/settings/security/cti-pass/delete")
@bp.post("/admin/users/<int:user_id>/security/cti-pass/delete", endpoint="user_delete_cti_pass")
@confirmed
def delete_cti_pass(user_id: int | None = None) -> Response:
    """Forget the CTI password."""
    accounts.remove_cti_pass(subject(user_id).id)
    return _saved(gettext("The CTI password has been removed."), user_id)


@bp.post("/settings/security/password")
@bp.post("/admin/users/<int:user_id>/security/password", endpoint="user_password")
def password(user_id: int | None = None) -> Response:
    """Change one's own password, or give another user a new one."""
    user = subject(user_id)
    form = _password_form(user)
    if form.validate_on_submit():
        try:
            _change_password(user, form)
        except InvalidError as error:
            form.refuse(error)
        else:
            return _saved(gettext("The password has been changed."), user_id)
    return _answer(user, user_id, "settings/_password.html", password_form=form)


@bp.post("/settings/security/sessions/<int:session_id>/end")
@bp.post(
    "/admin/users/<int:user_id>/security/sessions/<int:session_id>/end",
    endpoint="user_end_session",
)
def end_session(session_id: int, user_id: int | None = None) -> Response:
    """End one session."""
    user = subject(user_id)
    sessions.end(user.id, session_id)
    return _sessions_ended(user, user_id)


@bp.post("/settings/security/sessions/everywhere")
def sign_out_everywhere() -> Response:
    """End all own sessions, this one as well."""
    sessions.end_others(me().id)
    return signed_out(gettext("You are signed out everywhere."))


@bp.post("/settings/security/sessions/end")
@bp.post("/admin/users/<int:user_id>/security/sessions/end", endpoint="user_end_sessions")
def end_sessions(user_id: int | None = None) -> Response:
    """End all sessions but this one."""
    user = subject(user_id)
    sessions.end_others(user.id, keep=me().session_id)
    return _sessions_ended(user, user_id)


def _is_own(user: User) -> bool:
    return user.id == me().id


def _password_form(user: User) -> NewPassword:
    return PasswordForm() if _is_own(user) else ResetForm()


def _change_password(user: User, form: NewPassword) -> None:
    if isinstance(form, PasswordForm):
        accounts.change_password(
            user.id, form.current.data, form.new.data, keep_session=me().session_id
        )
    else:
        accounts.reset_password(user.id, form.new.data)


def _saved(message: str, user_id: int | None) -> Response:
    flash(message, "ok")
    return redirect(tab_url("security", user_id))


def _sessions_ended(user: User, user_id: int | None) -> Response:
    if wants_fragment():
        return _answer(user, user_id, "settings/_sessions.html")
    return redirect(tab_url("security", user_id))


def _answer(
    user: User,
    user_id: int | None,
    fragment: str,
    *,
    cti_form: CtiForm | None = None,
    password_form: NewPassword | None = None,
) -> FlaskResponse:
    """Show the tab, or the one card of it that was sent."""
    is_wrong = any(form is not None and form.errors for form in (cti_form, password_form))
    return answer(
        "settings/security.html",
        fragment,
        422 if is_wrong else 200,
        user=user,
        user_id=user_id,
        is_own=_is_own(user),
        cti_form=cti_form or CtiForm(None, obj=user),
        password_form=password_form or _password_form(user),
        open_sessions=[
            OpenSession(row, recognise(row.browser), row.id == me().session_id)
            for row in sessions.of_user(user.id)
        ],
    )
