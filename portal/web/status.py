"""The status page."""

import platform

from flask import Blueprint, flash, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from portal import phone_systems, status
from portal.dialing.outcome import OUTCOMES
from portal.web.guards import admin
from portal.web.htmx import redirect

bp = Blueprint("status", __name__)

_MOST_SYSTEMS = 20


@bp.get("/admin/status")
@admin
def show() -> str:
    """Show the health of everything."""
    found = status.findings()
    systems = phone_systems.overview()
    return render_template(
        "status/show.html",
        findings=found,
        overall=status.overall(found),
        version=status.version(),
        python=platform.python_version(),
        systems=[
            (system, phone_systems.condition(system), OUTCOMES[system.outcome].happened)
            for system in systems[:_MOST_SYSTEMS]
        ],
        more=len(systems) - _MOST_SYSTEMS,
    )


@bp.post("/admin/status/phone-systems/<int:system_id>/try")
@admin
def try_now(system_id: int) -> Response:
    """End the pause of a phone system; it is not contacted before somebody calls."""
    system = phone_systems.try_now(system_id)
    flash(gettext("The next call to %(target)s is sent, and tries it.", target=system.target), "ok")
    return redirect(url_for(".show"))
