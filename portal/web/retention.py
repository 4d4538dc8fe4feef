"""How long calls and the audit trail are kept."""

from flask import Blueprint, Response, flash, make_response, render_template, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse
from wtforms import IntegerField
from wtforms.validators import InputRequired

from portal import retention
from portal.errors import InvalidError
from portal.retention import AUDIT_DAYS, CALL_DAYS, Periods
from portal.web.confirmation import ProtectedForm
from portal.web.guards import admin
from portal.web.htmx import redirect

bp = Blueprint("retention", __name__)

_NEEDED = _l("Enter a number of days.")


def _days(allowed: range) -> dict[str, int]:
    return {"min": allowed[0], "max": allowed[-1]}


class RetentionForm(ProtectedForm):
    """How many days what people did is kept."""

    calls = IntegerField(_l("Calls, in days"), [InputRequired(_NEEDED)], render_kw=_days(CALL_DAYS))
    audit = IntegerField(
        _l("Audit trail, in days"), [InputRequired(_NEEDED)], render_kw=_days(AUDIT_DAYS)
    )


@bp.route("/admin/audit/retention", methods=["GET", "POST"])
@admin
def show() -> Response | BaseResponse:
    """Show and change how long is kept what people did."""
    form = RetentionForm(obj=retention.periods())
    if form.validate_on_submit():
        try:
            retention.change(Periods(form.calls.data, form.audit.data))
        except InvalidError as error:
            form.refuse(error)
        else:
            flash(gettext("Saved. What is older is deleted within a few minutes."), "ok")
            return redirect(url_for(".show"))
    page = render_template("retention/show.html", form=form, last_run=retention.last_run())
    return make_response(page, 422 if form.errors else 200)
