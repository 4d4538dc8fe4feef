"""Phone systems that call when a URL is opened, and answer with an HTTP status or in words.

The status decides, unless a status that says yes comes with words that say no. Only words are
listed that phone systems are known to write when they have not made the call: one that is
recognised by mistake would make somebody call twice.
"""

import json
import re
from http import HTTPStatus
from typing import Any

from portal.dialing import transport
from portal.dialing.connector.contract import DialRequest, Report
from portal.dialing.outcome import Outcome
from portal.dialing.transport import Answer

_FAILURE = "reported-failure"
_CREDENTIALS = "credentials"

_SAYS_NO: tuple[tuple[str, str], ...] = (
    # Asterisk, AMI over HTTP: /rawman, /mxml
    (r"Response: *Error\r?$.*?^Message: *Authentication failed", _CREDENTIALS),
    (r"Response: *Error\r?$", _FAILURE),
    (r"<ajax-response>.*?<generic response='Error'[^>]* message='Authentication", _CREDENTIALS),
    (r"<ajax-response>.*?<generic response='Error'", _FAILURE),
    # FreeSWITCH, mod_xml_rpc
    (r"-ERR\b|-USAGE:|INVALID COMMAND!", _FAILURE),
    # STARFACE and others that speak XML-RPC
    (r"(<\?xml[^>]*>\s*)?<methodResponse>\s*<fault>", _FAILURE),
    # Desk phones of Cisco
    (r"(<\?xml[^>]*>\s*)?<CiscoIPPhoneError Number=\"4\"", _CREDENTIALS),
    (r"(<\?xml[^>]*>\s*)?<CiscoIPPhoneError\b", _FAILURE),
    # Scripts: the first word, unless it is the name of a value that says that nothing is wrong
    (r"(error|failed|failure|fehler)\b(?!\W*((0|none|null|false|ok)\b|no\W*$))", _FAILURE),
)
"""How an answer begins that says no, and what it means; the first that fits."""

_PATTERNS = [
    (re.compile(rb"\s*" + text.encode(), re.IGNORECASE | re.DOTALL | re.MULTILINE), kind)
    for text, kind in _SAYS_NO
]
_UTF8_MARK = b"\xef\xbb\xbf"
_NO = frozenset({"error", "failed", "failure", "fail"})


def dial(request: DialRequest, _report: Report) -> Outcome:
    """Open the URL once; the answer says how it turned out."""
    try:
        answer = transport.exchange(request.url, request.allow, request.limits)
    except transport.TransportError as error:
        return Outcome(error.kind)
    return outcome_of(answer)


def outcome_of(answer: Answer) -> Outcome:
    """Return what an answer says about the call."""
    kind = _of_status(answer.status)
    if kind == "accepted":
        kind = _of_text(answer.body.removeprefix(_UTF8_MARK)) or kind
    return Outcome(kind, answer.status)


def _of_status(status: int) -> str:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return _CREDENTIALS
    if status == HTTPStatus.NOT_FOUND:
        return "not-found"
    by_class = {2: "accepted", 3: "redirect-not-followed", 4: "request-refused", 5: "server-error"}
    return by_class.get(status // 100, "not-http")


def _of_text(body: bytes) -> str:
    """Return what went wrong according to the words of an answer, "" if they do not say so."""
    if _json_says_no(body):
        return _FAILURE
    return next((kind for pattern, kind in _PATTERNS if pattern.match(body)), "")


def _json_says_no(body: bytes) -> bool:
    """Tell whether this is an object with ``error``, ``success: false`` or the like."""
    if not body.lstrip().startswith(b"{"):
        return False
    try:
        answer: dict[str, Any] = json.loads(body)
    except (ValueError, RecursionError):  # cut off, or no JSON after all
        return False
    words = {str(answer.get(name)).lower() for name in ("status", "result")}
    return (
        bool(answer.get("error"))
        or answer.get("success") is False
        or answer.get("ok") is False
        or not words.isdisjoint(_NO)
    )
