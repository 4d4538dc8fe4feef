"""The Click2Dial tab: the phone somebody calls with, and phones of one's own."""

from flask import flash, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import RadioField

from portal import phones, rights
from portal.errors import N_, InvalidError
from portal.models import Phone, User
from portal.phones import DEFAULT, Draft
from portal.web.confirmation import confirmed
from portal.web.forms import Form
from portal.web.guards import me
from portal.web.htmx import redirect
from portal.web.phone_form import PhoneForm
from portal.web.settings import bp
from portal.web.settings.subject import subject, tab_url


class PreferenceForm(Form):
    """The phone to call with: ``default``, or the id of an own one."""

    phone = RadioField(_l("Phone to call with"))


@bp.route("/settings/click2dial", methods=["GET", "POST"])
@bp.route(
    "/admin/users/<int:user_id>/click2dial", methods=["GET", "POST"], endpoint="user_click2dial"
)
def click2dial(user_id: int | None = None) -> Response:
    """Show a user's phones and choose the one to call with."""
    user = subject(user_id)
    own = phones.of_user(user.id)
    form = PreferenceForm(phone=str(user.preferred_phone_id or DEFAULT))
    form.phone.choices = [DEFAULT, *(str(phone.id) for phone in own)]
    if form.validate_on_submit():
        chosen = None if form.phone.data == DEFAULT else int(form.phone.data)
        phones.prefer(user.id, chosen)
        flash(gettext("Your choice is saved. Calls go by way of this phone from now on."), "ok")
        return redirect(tab_url("click2dial", user_id))
    return make_response(_phones_page(form, user, own, user_id), 422 if form.errors else 200)


@bp.route("/settings/click2dial/phones/new", methods=["GET", "POST"])
@bp.route(
    "/admin/users/<int:user_id>/click2dial/phones/new",
    methods=["GET", "POST"],
    endpoint="user_new_phone",
)
def new_phone(user_id: int | None = None) -> Response:
    """Add a phone to a user."""
    user = _managed(user_id)
    form = PhoneForm()
    if form.validate_on_submit():
        try:
            phone = phones.create(user.id, form.draft(), form.decision())
        except InvalidError as error:
            form.refuse(error)
        else:
            flash(gettext("The phone “%(name)s” is saved.", name=phone.name), "ok")
            return redirect(tab_url("click2dial", user_id))
    return _form_page(form, user, None, user_id)


@bp.route("/settings/click2dial/phones/<int:phone_id>", methods=["GET", "POST"])
@bp.route(
    "/admin/users/<int:user_id>/click2dial/phones/<int:phone_id>",
    methods=["GET", "POST"],
    endpoint="user_edit_phone",
)
def edit_phone(phone_id: int, user_id: int | None = None) -> Response:
    """Show and change a phone of a user."""
    user = _managed(user_id)
    phone = phones.get(user.id, phone_id)
    form = PhoneForm(phone)
    if form.validate_on_submit():
        try:
            phones.change(user.id, phone_id, form.draft(), form.decision())
        except InvalidError as error:
            form.refuse(error)
        else:
            flash(gettext("The phone “%(name)s” is saved.", name=phone.name), "ok")
            return redirect(tab_url("click2dial", user_id))
    return _form_page(form, user, phone, user_id)


@bp.route("/settings/click2dial/phones/<int:phone_id>/delete", methods=["GET", "POST"])
@bp.route(
    "/admin/users/<int:user_id>/click2dial/phones/<int:phone_id>/delete",
    methods=["GET", "POST"],
    endpoint="user_delete_phone",
)
@confirmed
def delete_phone(phone_id: int, user_id: int | None = None) -> Response:
    """Delete a phone of a user, once that is confirmed."""
    user = _managed(user_id)
    phone = phones.get(user.id, phone_id)
    if request.method == "POST":
        flash(gettext("The phone “%(name)s” is deleted.", name=phone.name), "ok")
        phones.delete(user.id, phone_id)
        return redirect(tab_url("click2dial", user_id))
    page = render_template(
        "settings/click2dial_delete.html", user=user, phone=phone, user_id=user_id
    )
    return make_response(page)


def _managed(user_id: int | None) -> User:
    """Return the user whose phones the signed-in user may change. Raises ForbiddenError."""
    user = subject(user_id)
    rights.require(
        rights.may_manage_phones(me(), user.id),
        N_("You may not set up phones of your own. Ask an administrator for it."),
    )
    return user


def _phone_url(endpoint: str, user_id: int | None, phone_id: int | None = None) -> str:
    """Return the address of a page about a phone: new_phone, edit_phone or delete_phone."""
    whose = "" if user_id is None else "user_"
    return url_for(f"settings.{whose}{endpoint}", user_id=user_id, phone_id=phone_id)


def _phones_page(form: PreferenceForm, user: User, own: list[Phone], user_id: int | None) -> str:
    rules = phones.rules()
    return render_template(
        "settings/click2dial.html",
        form=form,
        user=user,
        user_id=user_id,
        default=phones.default(),
        own=[(phone, phones.check(Draft.of(phone), rules).problem) for phone in own],
        may_manage=rights.may_manage_phones(me(), user.id),
        whom_to_ask=phones.whom_to_ask(),
        phone_url=_phone_url,
    )


def _form_page(form: PhoneForm, user: User, phone: Phone | None, user_id: int | None) -> Response:
    page = render_template(
        "settings/click2dial_phone.html",
        form=form,
        check=form.live_check(),
        reachable="" if form.allow else phones.reachable(),
        user=user,
        user_id=user_id,
        phone=phone,
        phone_url=_phone_url,
    )
    return make_response(page, 422 if form.errors else 200)
