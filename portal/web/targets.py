"""Administration of the targets that the server may contact."""

from flask import Blueprint, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import StringField

from portal import phones, targets
from portal.errors import InvalidError
from portal.web.confirmation import ProtectedForm, confirmed
from portal.web.guards import admin, me
from portal.web.htmx import redirect

bp = Blueprint("targets", __name__)


class TargetForm(ProtectedForm):
    """A target to allow."""

    entry = StringField(_l("Host, address or network"))
    reason = StringField(_l("What for"))


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
