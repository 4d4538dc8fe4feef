"""Whether the portal is there, for machines that watch it."""

from flask import Blueprint

from portal.web.guards import public

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@public
def show() -> dict[str, str]:
    """Answer without touching the database."""
    return {"status": "ok"}
