"""The way in and out: first start, sign in, sign out."""

from collections.abc import Mapping
from http import HTTPStatus

from flask import Blueprint, flash, make_response, render_template, request, session, url_for
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import PasswordField, SelectField, StringField
from wtforms.validators import DataRequired, EqualTo

from portal import passwords, sessions, setup
from portal.errors import ForbiddenError, InvalidError, TooManyError
from portal.extensions import config, limiter
from portal.web.addresses import own_path
from portal.web.forms import Form
from portal.web.guards import TOKEN, me, public
from portal.web.htmx import redirect
from portal.web.templating import LANGUAGES

bp = Blueprint("accounts", __name__)

_limited = limiter.limit(
    lambda: f"{config().sign_ins_per_address} per {config().sign_in_window} seconds",
    methods=["POST"],
    # a whole company may come from one address: those who get in do not count
    deduct_when=lambda response: response.status_code >= HTTPStatus.BAD_REQUEST,
)


class LoginForm(Form):
    """Login and password."""

    login = StringField(_l("Login"), [DataRequired(_l("Enter your login."))])
    password = PasswordField(_l("Password"), [DataRequired(_l("Enter your password."))])


class SetupForm(Form):
    """The first administrator."""

    firstname = StringField(_l("First name"))
    surname = StringField(_l("Surname"))
    login = StringField(_l("Login"), [DataRequired(_l("Choose a login."))])
    language = SelectField(_l("Language"), choices=LANGUAGES)
    password = PasswordField(
        _l("Password"),
        [DataRequired(_l("Choose a password."))],
        render_kw={"minlength": passwords.SHORTEST},
    )
    repeat = PasswordField(
        _l("Repeat the password"), [EqualTo("password", _l("The two passwords differ."))]
    )


@bp.route("/setup", methods=["GET", "POST"], endpoint="setup")
@public
@_limited
def set_up() -> Response:
    """Make the first administrator, who holds the one-time link."""
    token = request.args.get("token", "")
    form = SetupForm(language=str(get_locale()))
    try:
        setup.check(token)
        if form.validate_on_submit():
            record = {"firstname": form.firstname.data, "surname": form.surname.data}
            setup.first_admin(
                token,
                login=form.login.data,
                password=form.password.data,
                record=record,
                language=form.language.data,
            )
            return _enter(form.login.data, form.password.data, "/")
    except ForbiddenError as error:
        return make_response(render_template("accounts/no_setup.html", error=error), error.status)
    except InvalidError as error:
        form.refuse(error)
    return make_response(
        render_template("accounts/setup.html", form=form, token=token), 422 if form.errors else 200
    )


@bp.route("/login", methods=["GET", "POST"])
@public
@_limited
def login() -> Response:
    """Begin a session."""
    wanted = own_path(request.args.get("next"))
    form = LoginForm()
    if form.validate_on_submit():
        try:
            return _enter(form.login.data, form.password.data, wanted)
        except TooManyError as error:
            form.refuse(error)
            return _login_page(form, wanted, error.status, {"Retry-After": error.retry_after})
        except InvalidError as error:
            form.refuse(error)
    elif request.method == "GET" and current_user.is_authenticated:
        return redirect(wanted)
    return _login_page(form, wanted, 422 if form.errors else 200)


@bp.post("/logout")
def logout() -> Response:
    """End this session."""
    sessions.sign_out(me().session_id)
    return signed_out(gettext("You are signed out."))


def _login_page(
    form: LoginForm, wanted: str, status: int, headers: Mapping[str, int] | None = None
) -> Response:
    page = render_template(
        "accounts/login.html", form=form, wanted=wanted, setup_is_done=setup.is_done()
    )
    return make_response(
        page, status, {name: str(value) for name, value in (headers or {}).items()}
    )


def signed_out(message: str) -> Response:
    """Go on to the way in, with nothing left in the browser but the preferences in its cookies."""
    session.clear()
    flash(message, "ok")
    response = redirect(url_for("accounts.login"))
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _enter(login: str, password: str, target: str) -> Response:
    """Sign in, in place of whoever was signed in before, and go on. Raises InvalidError."""
    token = sessions.sign_in(
        login,
        password,
        address=request.remote_addr or "",
        browser=request.user_agent.string,
    )
    if current_user.is_authenticated:
        sessions.sign_out(me().session_id)
    session.clear()
    session[TOKEN] = token
    session.permanent = True
    return redirect(target)
