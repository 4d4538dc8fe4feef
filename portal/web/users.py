"""Users: who may sign in, and what they may do. One user's tabs are the settings views."""

from flask import Blueprint, Response, flash, make_response, render_template, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse
from wtforms import EmailField, PasswordField, StringField, TelField
from wtforms.validators import DataRequired

from portal import accounts, passwords
from portal.errors import InvalidError
from portal.models import Role
from portal.web.confirmation import confirmed
from portal.web.guards import admin, me
from portal.web.htmx import answer, redirect
from portal.web.paging import pager, wanted_page
from portal.web.settings.profile import AccountForm
from portal.web.settings.subject import tab_url
from portal.web.templating import in_words

bp = Blueprint("users", __name__)

_FIRST_FIELDS = ("firstname", "surname", "email", "phone", "department", "position")


class NewUserForm(AccountForm):
    """What is needed to begin with; the rest of the record is on the Profile tab."""

    firstname = StringField(_l("First name"))
    surname = StringField(_l("Surname"))
    email = EmailField(_l("E-mail"))
    phone = TelField(_l("Phone"))
    department = StringField(_l("Department"))
    position = StringField(_l("Position"))
    password = PasswordField(
        _l("First password"),
        [DataRequired(_l("Choose a password."))],
        render_kw={"minlength": passwords.SHORTEST},
    )


@bp.get("/admin/users")
@admin
def index() -> Response:
    """List the users that a search finds, or all."""
    text = request.args.get("q", "")
    found = accounts.search(text, wanted_page())
    return answer(
        "users/index.html", "users/_list.html", text=text, found=found, pager=pager(found)
    )


@bp.route("/admin/users/new", methods=["GET", "POST"])
@admin
def new() -> BaseResponse:
    """Add a user."""
    form = NewUserForm(role=Role.USER)
    if form.validate_on_submit():
        try:
            user = accounts.create(
                form.login.data,
                form.password.data,
                rights=form.rights,
                record={name: form[name].data for name in _FIRST_FIELDS},
            )
        except InvalidError as error:
            form.refuse(error)
        else:
            flash(gettext("%(name)s can sign in now.", name=user.name), "ok")
            return redirect(tab_url("profile", user.id))
    return make_response(render_template("users/new.html", form=form), 422 if form.errors else 200)


@bp.post("/admin/users/<int:user_id>/disable")
@admin
@confirmed
def disable(user_id: int) -> BaseResponse:
    """Keep a user out from now on."""
    try:
        accounts.disable(user_id, by=me().id)
    except InvalidError as error:
        flash(in_words(error), "bad")
    else:
        flash(gettext("The account is disabled; all its sessions have ended."), "ok")
    return redirect(tab_url("profile", user_id))


@bp.post("/admin/users/<int:user_id>/enable")
@admin
@confirmed
def enable(user_id: int) -> BaseResponse:
    """Let a user in again."""
    accounts.enable(user_id)
    flash(gettext("The account is active again."), "ok")
    return redirect(tab_url("profile", user_id))
