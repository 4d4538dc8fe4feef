"""Administration of the targets that the server may contact."""

from flask import Blueprint, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import RadioField, StringField, TextAreaField

from portal import phones, targets
from portal.dialing.outcome import OUTCOMES
from portal.dialing.tls import TrustMode, in_groups
from portal.errors import InvalidError
from portal.models import Target
from portal.web.confirmation import ProtectedForm, confirmed
from portal.web.forms import Form
from portal.web.guards import admin, me
from portal.web.hooks import only_reads
from portal.web.htmx import answer, redirect

bp = Blueprint("targets", __name__)


class TargetForm(ProtectedForm):
    """A target to allow."""

    entry = StringField(_l("Host, address or network"))
    reason = StringField(_l("What for"))


class TrustForm(ProtectedForm):
    """What a phone system has to show over https."""

    trust_mode = RadioField(_l("Who is trusted"), choices=list(TrustMode))
    fingerprint = TextAreaField(_l("SHA-256 fingerprint"))
    authority = TextAreaField(_l("Certificate of the authority"))


class HostForm(Form):
    """Whose certificate to fetch; the host is wanted where the target is a network."""

    host = StringField(_l("Host in this network"))


@bp.route("/admin/click2dial/targets", methods=["GET", "POST"])
@admin
def index() -> Response:
    """Show what the server may contact, and allow more."""
    form = TargetForm()
    if form.validate_on_submit():
        try:
            target = targets.allow(form.entry.data or "", reason=form.reason.data or "", by=me().id)
        except InvalidError as error:
            form.refuse(error)
        else:
            flash(
                gettext("The server may contact %(entry)s from now on.", entry=target.entry), "ok"
            )
            return redirect(url_for(".index"))
    page = render_template("targets/index.html", form=form, listed=targets.overview())
    return make_response(page, 422 if form.errors else 200)


@bp.route("/admin/click2dial/targets/<int:target_id>", methods=["GET", "POST"])
@admin
def edit(target_id: int) -> Response:
    """Show a target, and choose what a phone system has to show there."""
    target = targets.get(target_id)
    form = TrustForm(**_chosen(target))
    if form.validate_on_submit():
        try:
            targets.change_trust(
                target_id,
                TrustMode(form.trust_mode.data),
                fingerprint=form.fingerprint.data or "",
                authority=form.authority.data or "",
            )
        except InvalidError as error:
            form.refuse(error)
        else:
            flash(gettext("What is trusted at %(entry)s is saved.", entry=target.entry), "ok")
            return redirect(url_for(".index"))
    page = render_template("targets/edit.html", **_context(target, form, HostForm()))
    return make_response(page, 422 if form.errors else 200)


@bp.post("/admin/click2dial/targets/<int:target_id>/certificate")
@admin
@only_reads
def certificate(target_id: int) -> Response:
    """Fetch the certificate of a target and show it; nothing is saved."""
    host_form, shown = HostForm(), None
    if host_form.validate_on_submit():
        try:
            shown = targets.show_certificate(target_id, host_form.host.data or "")
        except InvalidError as error:
            host_form.refuse(error)
    target = targets.get(target_id)
    form = TrustForm(formdata=None, **_chosen(target))
    return answer(
        "targets/edit.html",
        "targets/_certificate.html",
        422 if host_form.errors else 200,
        **_context(target, form, host_form),
        shown=shown,
    )


@bp.route("/admin/click2dial/targets/<int:target_id>/delete", methods=["GET", "POST"])
@admin
@confirmed
def delete(target_id: int) -> Response:
    """Close a target, once it is clear which phones stop working."""
    target = targets.get(target_id)
    if request.method == "POST":
        flash(gettext("The server no longer contacts %(entry)s.", entry=target.entry), "ok")
        targets.remove(target_id)
        return redirect(url_for(".index"))
    page = render_template(
        "targets/delete.html", target=target, stopped=phones.stopped_without_target(target)
    )
    return make_response(page)


def _chosen(target: Target) -> dict[str, object]:
    """Return what the form shows of the present choice."""
    return {
        "trust_mode": target.trust_mode,
        "fingerprint": " ".join(in_groups(target.fingerprint)),
        "authority": target.authority,
    }


def _context(target: Target, form: TrustForm, host_form: HostForm) -> dict[str, object]:
    """Return what the page of a target needs."""
    return {
        "target": target,
        "form": form,
        "host_form": host_form,
        "confirmed": in_groups(target.fingerprint),
        "needs_host": targets.needs_host(target),
        "outcomes": OUTCOMES,
    }
