"""Administration of the dial permissions, and the switch that stops all dialling."""

import re
from collections.abc import Mapping

from flask import Blueprint, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField

from portal import permissions, phones
from portal.dialing.number_class import NumberClass
from portal.dialing.permission import Permission, Rules
from portal.errors import N_, InvalidError
from portal.models import Role
from portal.web.confirmation import ProtectedForm, confirmed
from portal.web.forms import Form
from portal.web.guards import admin
from portal.web.hooks import only_reads
from portal.web.htmx import redirect
from portal.web.templating import territory

bp = Blueprint("permissions", __name__)

AS_ABROAD = "abroad"
"""What a country is set to that shall have no rule of its own any more."""

_COUNTRY = re.compile(r"(?:admin|user)\.([A-Z]{2})")
_CLASSES = {
    NumberClass.INTERNAL: (N_("Internal"), "201, 30"),
    NumberClass.NATIONAL: (N_("National"), "0361 30262422, 0800 …"),
    NumberClass.MOBILE: (N_("Mobile"), "0171 1234567"),
    NumberClass.INTERNATIONAL: (N_("Abroad"), "+43 1 234567, 0041 …"),
    NumberClass.SHARED_COST: (N_("Service numbers"), "0180 …, 0137 …, 0700 …"),
    NumberClass.PREMIUM: (N_("Premium rate"), "0900 …, 118 33, 010 33 …, +979 …"),
    NumberClass.SATELLITE: (N_("Satellite and global networks"), "+881 …, +882 …, +870 …"),
    NumberClass.FEATURE_CODE: (N_("Feature codes"), "*21*…#, #31#"),
    NumberClass.EMERGENCY: (N_("Emergency numbers"), "110, 112"),
    NumberClass.UNKNOWN: (N_("Unknown numbers"), "+999 …, 0171 12"),
}
_WORDS = {
    Permission.ALLOW: N_("allow"),
    Permission.CONFIRM: N_("ask"),
    Permission.REFUSE: N_("refuse"),
}
_ROLES = {Role.USER: N_("Users"), Role.ADMIN: N_("Administrators")}


class PermissionsForm(ProtectedForm):
    """The choices for each class and country, and a country to add."""

    country = SelectField(_l("Country"), validate_choice=False)
    country_permission = SelectField(_l("Dialling"), validate_choice=False)

    def __init__(self) -> None:
        super().__init__()
        names = sorted((territory(code), code) for code in permissions.COUNTRIES)
        self.country.choices = [("", gettext("Choose a country")), *((c, n) for n, c in names)]
        self.country_permission.choices = [
            (choice.value, gettext(word)) for choice, word in _WORDS.items()
        ]

    def rules(self) -> dict[Role, Rules]:
        """Return what was chosen. Raises InvalidError if that is not complete."""
        return {role: Rules(self._classes(role), self._countries(role)) for role in Role}

    def chosen(self) -> Mapping[Role, Rules]:
        """Return what the page shows as chosen: what was, else what holds."""
        try:
            return self.rules()
        except InvalidError:
            return permissions.standing().rules

    def _classes(self, role: Role) -> dict[NumberClass, Permission]:
        try:
            return {name: Permission(request.form[f"{role}.{name}"]) for name in NumberClass}
        except (KeyError, ValueError):
            raise InvalidError(
                "no-choice", N_("Choose for each class whether it may be called.")
            ) from None

    def _countries(self, role: Role) -> dict[str, Permission]:
        chosen = {match[1] for key in request.form if (match := _COUNTRY.fullmatch(key))}
        words = {country: request.form.get(f"{role}.{country}", AS_ABROAD) for country in chosen}
        if self.country.data:
            words[self.country.data] = self.country_permission.data
        return {
            country: Permission(word) for country, word in words.items() if word in set(Permission)
        }


class StopForm(Form):
    """Why all dialling is stopped."""

    reason = StringField(_l("Reason"))


@bp.route("/admin/click2dial/permissions", methods=["GET", "POST"])
@admin
def index() -> Response:
    """Show and save who may call what."""
    form = PermissionsForm()
    if form.validate_on_submit():
        try:
            permissions.save(form.rules())
        except InvalidError as error:
            form.refuse(error)
        else:
            flash(gettext("The dial permissions are saved and hold from now on."), "ok")
            return redirect(url_for(".index"))
    rules = form.chosen()
    number = request.args.get("number", "")
    page = render_template(
        "permissions/index.html",
        form=form,
        stop_form=StopForm(formdata=None),
        rules=rules,
        countries=sorted(
            {code for each in rules.values() for code in each.countries}, key=territory
        ),
        as_abroad=AS_ABROAD,
        stop=permissions.stopped(),
        number=number,
        **_tried(number, rules),
    )
    return make_response(page, 422 if form.errors else 200)


@bp.post("/admin/click2dial/permissions/try")
@admin
@only_reads
def try_number() -> str:
    """Say what the choices on the page, saved or not, come to for a number."""
    rules = PermissionsForm().chosen()
    return render_template(
        "permissions/_tried.html", **_tried(request.form.get("number", ""), rules)
    )


@bp.post("/admin/click2dial/dialling/stop")
@admin
def stop() -> Response:
    """Stop all dialling at once."""
    permissions.stop(StopForm().reason.data or "")
    flash(gettext("All dialling is stopped."), "ok")
    return redirect(url_for(".index"))


@bp.post("/admin/click2dial/dialling/start")
@admin
@confirmed
def start() -> Response:
    """Let everybody dial again."""
    permissions.resume()
    flash(gettext("Everybody can dial again."), "ok")
    return redirect(url_for(".index"))


def _tried(number: str, rules: Mapping[Role, Rules]) -> dict[str, object]:
    """Return what a page shows of a number that is tried."""
    shown = {"classes": _CLASSES, "roles": _ROLES, "words": _WORDS}
    if not number.strip():
        return shown
    default = phones.default()
    try:
        found, decisions = permissions.judge(
            number, rules, outside_prefix=default.outside_prefix if default else ""
        )
    except InvalidError as error:
        return {**shown, "problem": error}
    return {**shown, "readings": found, "decisions": decisions}
