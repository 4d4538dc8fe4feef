"""Colleagues and their numbers."""

from flask import Blueprint, Response, request

from portal import accounts
from portal.web.htmx import answer
from portal.web.paging import pager, wanted_page

bp = Blueprint("people", __name__)


@bp.get("/people")
def index() -> Response:
    """List the colleagues that a search finds, or all."""
    text = request.args.get("q", "")
    found = accounts.colleagues(text, wanted_page())
    return answer(
        "people/index.html", "people/_list.html", text=text, found=found, pager=pager(found)
    )
