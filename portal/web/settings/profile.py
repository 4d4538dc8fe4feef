"""The Profile tab: the record, and for administrators login and rights."""

from flask import flash
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import BooleanField, EmailField, RadioField, SelectField, StringField, TelField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired

from portal import accounts
from portal.accounts import PROFILE_FIELDS, TIME_ZONES, Rights
from portal.errors import InvalidError
from portal.models import Role, User
from portal.web.confirmation import ProtectedForm
from portal.web.forms import Form
from portal.web.guards import admin
from portal.web.htmx import answer, redirect
from portal.web.settings import bp
from portal.web.settings.subject import subject, tab_url
from portal.web.templating import LANGUAGES

_NEAR_ZONES = ("Europe/Berlin", "Europe/Vienna", "Europe/Zurich", "Europe/London", "UTC")
_FAR_ZONES = tuple(zone for zone in TIME_ZONES if zone not in _NEAR_ZONES)


class ProfileForm(Form):
    """What the portal knows of a user."""

    title = StringField(_l("Title"))
    firstname = StringField(_l("First name"))
    surname = StringField(_l("Surname"))
    email = EmailField(_l("E-mail"))
    phone = TelField(_l("Phone"))
    mobile = TelField(_l("Mobile"))
    fax = TelField(_l("Fax"))
    department = StringField(_l("Department"))
    position = StringField(_l("Position"))
    location = StringField(_l("Location"))
    language = SelectField(
        _l("Language"),
        choices=[
            SelectChoice("", _l("As the browser asks for")),
            *(SelectChoice(code, name) for code, name in LANGUAGES.items()),
        ],
    )
    time_zone = SelectField(
        _l("Time zone"),
        choices=[
            *(SelectChoice(zone, optgroup=_l("Frequent")) for zone in _NEAR_ZONES),
            *(SelectChoice(zone, optgroup=_l("All others")) for zone in _FAR_ZONES),
        ],
    )


class AccountForm(ProtectedForm):
    """What a user is called and may do."""

    login = StringField(_l("Login"), [DataRequired(_l("Choose a login."))])
    role = RadioField(_l("Role"), choices=list(Role))
    may_dial = BooleanField(_l("May call"), default=True)
    may_manage_phones = BooleanField(_l("May set up own phones"))

    @property
    def rights(self) -> Rights:
        """The rights that were chosen."""
        return Rights(
            role=Role(self.role.data),
            may_dial=self.may_dial.data,
            may_manage_phones=self.may_manage_phones.data,
        )


@bp.route("/settings/profile", methods=["GET", "POST"])
@bp.route("/admin/users/<int:user_id>", methods=["GET", "POST"], endpoint="user_profile")
def profile(user_id: int | None = None) -> Response:
    """Show and change the record."""
    user = subject(user_id)
    form = ProfileForm(obj=user)
    if form.validate_on_submit():
        try:
            accounts.change_profile(
                user.id,
                {name: form[name].data for name in PROFILE_FIELDS},
                language=form.language.data,
                time_zone=form.time_zone.data,
            )
        except InvalidError as error:
            form.refuse(error)
        else:
            flash(gettext("Saved."), "ok")
            return redirect(tab_url("profile", user_id))
    return _page(user, user_id, form, AccountForm(None, obj=user))


@bp.post("/admin/users/<int:user_id>/account")
@admin
def account(user_id: int) -> Response:
    """Change login and rights."""
    user = subject(user_id)
    form = AccountForm(obj=user)
    if form.validate_on_submit():
        try:
            accounts.change_account(user.id, login=form.login.data, rights=form.rights)
        except InvalidError as error:
            form.refuse(error)
        else:
            flash(gettext("Saved."), "ok")
            return redirect(tab_url("profile", user_id))
    return _page(user, user_id, ProfileForm(None, obj=user), form)


def _page(
    user: User, user_id: int | None, form: ProfileForm, account_form: AccountForm
) -> Response:
    """Show the tab, or of it the card with the account."""
    return answer(
        "settings/profile.html",
        "settings/_account.html",
        422 if form.errors or account_form.errors else 200,
        user=user,
        user_id=user_id,
        form=form,
        account_form=account_form,
        record_fields=PROFILE_FIELDS,
    )
