"""The audit trail: who changed or dialled what, to be read, searched and saved as a file."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, request, stream_with_context
from flask_babel import gettext

from portal import trail
from portal.errors import N_
from portal.export import csv_cell
from portal.models import AuditEvent
from portal.trail import Filter
from portal.web.audit_event import EventLine
from portal.web.confirmation import confirmed
from portal.web.guards import admin, me
from portal.web.htmx import answer
from portal.web.paging import pager, wanted_page

bp = Blueprint("audit", __name__)

_AREAS = {
    "calls": N_("Calls"),
    "sign-ins": N_("Sign-ins and sessions"),
    "users": N_("Users"),
    "click2dial": "Click2Dial",
    "others": N_("Everything else"),
    "refusals": N_("Refusals only"),
}
_PERIODS = {
    "day": N_("Last 24 hours"),
    "week": N_("Last 7 days"),
    "month": N_("Last 30 days"),
    "year": N_("Last 365 days"),
}
_COLUMNS = (
    N_("Time"),
    N_("Who"),
    N_("Address"),
    N_("What"),
    N_("Subject"),
    N_("Details"),
)


@bp.route("/admin/audit", methods=["GET", "POST"])
@admin
@confirmed
def index() -> Response:
    """List the events that a search finds, or all; a POST saves them as a file."""
    wanted = Filter(**{name: request.args.get(name, "") for name in asdict(Filter())})
    if request.method == "POST":
        return _attachment(_file(trail.export(wanted), ZoneInfo(me().time_zone)))
    found = trail.search(wanted, wanted_page())
    return answer(
        "audit/index.html",
        "audit/_list.html",
        wanted=wanted,
        found=found,
        lines=[EventLine(event) for event in found.items],
        pager=pager(found),
        areas=_AREAS,
        periods=_PERIODS,
    )


def _attachment(lines: Iterator[str]) -> Response:
    response = Response(stream_with_context(lines), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return response


def _file(events: Iterable[AuditEvent], zone: ZoneInfo) -> Iterator[str]:
    """Write a file line by line, so that none is too long."""
    yield "\ufeff" + _line(gettext(column) for column in _COLUMNS)
    for event in events:
        yield _line(csv_cell(cell) for cell in _cells(EventLine(event), zone))


def _line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, delimiter=";", quoting=csv.QUOTE_ALL).writerow(cells)
    return line.getvalue()


def _cells(line: EventLine, zone: ZoneInfo) -> tuple[str, ...]:
    event = line.event
    details = [f"{label}: {value}" for label, value in line.details]
    return (
        event.at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"),
        line.who,
        event.address,
        line.what,
        event.subject,
        "; ".join([*map(str, line.changes), *details]),
    )
