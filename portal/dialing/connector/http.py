"""Phone systems that call when a URL is opened, and answer with an HTTP status."""

from http import HTTPStatus

from portal.dialing import transport
from portal.dialing.connector.contract import DialRequest, Report
from portal.dialing.outcome import Outcome


def dial(request: DialRequest, _report: Report) -> Outcome:
    """Open the URL once; the status of the answer says how it turned out."""
    try:
        answer = transport.exchange(request.url, request.allow, request.limits)
    except transport.TransportError as error:
        return Outcome(error.kind)
    return outcome_of(answer.status)


def outcome_of(status: int) -> Outcome:
    """Return what the status of an answer says about the call."""
    return Outcome(_kind(status), status)


def _kind(status: int) -> str:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return "credentials"
    if status == HTTPStatus.NOT_FOUND:
        return "not-found"
    by_class = {2: "accepted", 3: "redirect-not-followed", 4: "request-refused", 5: "server-error"}
    return by_class.get(status // 100, "not-http")
