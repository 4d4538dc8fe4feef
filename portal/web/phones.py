"""Administration of Click2Dial: default phone and schemes; and the live check of every phone."""

from flask import Blueprint, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import DataRequired

from portal import handlers, phones, rights, schemes
from portal.dialing.template import BROWSER_SCHEMES
from portal.errors import InvalidError
from portal.web.addresses import record_id
from portal.web.confirmation import ProtectedForm, confirmed
from portal.web.guards import admin, me
from portal.web.hooks import only_reads
from portal.web.htmx import redirect
from portal.web.phone_form import PhoneForm
from portal.web.templating import in_words

bp = Blueprint("phones", __name__)


class SchemeForm(ProtectedForm):
    """A scheme to add."""

    scheme = StringField(_l("Scheme"), [DataRequired(_l("Enter a scheme, for example msteams."))])


@bp.route("/admin/click2dial", methods=["GET", "POST"])
@admin
def default() -> Response:
    """Show and save the phone that serves everybody."""
    phone = phones.default()
    form = PhoneForm(phone, name=gettext("Default phone"))
    if form.validate_on_submit():
        try:
            phones.save_default(form.draft(), form.decision())
        except InvalidError as error:
            form.refuse(error)
        else:
            flash(gettext("The default phone is saved and serves everybody from now on."), "ok")
            return redirect(url_for(".default"))
    page = render_template(
        "phones/default.html",
        form=form,
        check=form.live_check(),
        is_practice=phone is None,
        handlers=handlers.overview(),
    )
    return make_response(page, 422 if form.errors else 200)


@bp.route("/admin/click2dial/practice", methods=["GET", "POST"])
@admin
@confirmed
def practice() -> Response:
    """Go back to the practice phone, once that is confirmed."""
    if request.method == "POST":
        phones.remove_default()
        flash(gettext("The practice phone is the default phone again."), "ok")
        return redirect(url_for(".default"))
    return make_response(render_template("phones/practice.html", phone=phones.default()))


@bp.route("/admin/click2dial/schemes", methods=["GET", "POST"])
@admin
def all_schemes() -> Response:
    """Show which schemes browsers may open, and add one."""
    form = SchemeForm()
    if form.validate_on_submit():
        try:
            added = schemes.add(form.scheme.data)
        except InvalidError as error:
            form.refuse(error)
        else:
            flash(gettext("Browsers may now open “%(scheme)s:”.", scheme=added), "ok")
            return redirect(url_for(".all_schemes"))
    page = render_template(
        "phones/schemes.html",
        form=form,
        built_in=sorted(BROWSER_SCHEMES),
        added=sorted(schemes.extra()),
    )
    return make_response(page, 422 if form.errors else 200)


@bp.post("/admin/click2dial/schemes/<scheme>/delete")
@admin
@confirmed
def remove_scheme(scheme: str) -> Response:
    """Take a scheme away, unless a phone or handler needs it."""
    try:
        schemes.remove(scheme)
    except InvalidError as error:
        flash(in_words(error), "bad")
    else:
        flash(gettext("Browsers no longer open “%(scheme)s:”.", scheme=scheme), "ok")
    return redirect(url_for(".all_schemes"))


@bp.post("/phones/check")
@only_reads
def check() -> str:
    """Say what a phone that is being entered comes to; ``phone`` is the id of an own one."""
    rights.require(rights.may_manage_phones(me(), me().id))
    phone_id = request.args.get("phone", type=record_id)
    form = PhoneForm(phones.get(me().id, phone_id) if phone_id else None)
    return render_template("phones/_live_check.html", form=form, check=form.live_check())
