"""The calls somebody has made."""

import csv
import io
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, make_response, request
from flask_babel import gettext

from portal import calls
from portal.calls import Filter
from portal.errors import N_
from portal.export import csv_cell
from portal.web.call_card import CallCard
from portal.web.guards import me
from portal.web.htmx import answer, wants_fragment
from portal.web.paging import pager, wanted_page

bp = Blueprint("calls", __name__)

_RESULTS = {
    "success": N_("Successful"),
    "failed": N_("Failed"),
    "unknown": N_("Unknown"),
    "under-way": N_("Under way"),
}
_PERIODS = {"today": N_("Today"), "week": N_("Last 7 days"), "month": N_("Last 30 days")}
_COLUMNS = (
    N_("Time"),
    N_("Number"),
    N_("Phone"),
    N_("State"),
    N_("What happened"),
    N_("URL"),
)


@bp.get("/calls")
def index() -> Response:
    """List the own calls that a search finds, or all."""
    wanted = _filter()
    found = calls.search(me(), wanted, wanted_page())
    return answer(
        "calls/index.html",
        "calls/_list.html",
        wanted=wanted,
        found=found,
        cards=[CallCard(call) for call in found.items],
        pager=pager(found),
        results=_RESULTS,
        periods=_PERIODS,
    )


@bp.get("/calls.csv")
def export() -> Response:
    """Return the own calls that a search finds as a file for spreadsheets."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerow(gettext(column) for column in _COLUMNS)
    zone = ZoneInfo(me().time_zone)
    for call in calls.export(me(), _filter()):
        writer.writerow(csv_cell(cell) for cell in _cells(CallCard(call), zone))
    response = make_response("\ufeff" + file.getvalue())
    response.mimetype = "text/csv"
    response.headers["Content-Disposition"] = 'attachment; filename="calls.csv"'
    return response


@bp.get("/calls/<call_id>")
def show(call_id: str) -> Response:
    """Show one of the own calls; a card that asks again is told only what it does not show."""
    call = calls.get(me(), call_id)
    known = (request.args.get("seen"), request.args.get("pace"))
    if wants_fragment() and known == (call.state, str(calls.pace(call))):
        return Response(status=204)
    return answer("calls/show.html", "calls/_card.html", card=CallCard(call))


def _filter() -> Filter:
    return Filter(
        text=request.args.get("q", ""),
        result=request.args.get("state", ""),
        period=request.args.get("period", ""),
    )


def _cells(card: CallCard, zone: ZoneInfo) -> tuple[str, ...]:
    call = card.call
    moment = call.created_at.astimezone(zone)
    return (
        moment.strftime("%Y-%m-%d %H:%M:%S"),
        call.number,
        card.phone_name,
        card.look.word,
        card.happened,
        call.masked_url,
    )
