"""The status page."""

import platform

from flask import Blueprint, render_template

from portal import status
from portal.web.guards import admin

bp = Blueprint("status", __name__)


@bp.get("/admin/status")
@admin
def show() -> str:
    """Show the health of everything."""
    found = status.findings()
    return render_template(
        "status/show.html",
        findings=found,
        overall=status.overall(found),
        version=status.version(),
        python=platform.python_version(),
    )
