"""JSON services for phone systems: each request shows the token of one call; no cookie counts."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from types import UnionType
from typing import Any

from flask import Blueprint, Response, make_response, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from portal import calls
from portal.dialing.variables import RECORD_FIELDS
from portal.errors import N_, InvalidError
from portal.extensions import config, csrf, limiter
from portal.models import Call
from portal.web.guards import by_token, public

bp = Blueprint("api", __name__, url_prefix="/api/v1")
csrf.exempt(bp)
limiter.limit(lambda: f"{config().api_requests} per minute")(bp)
limiter.limit(
    lambda: f"{config().bad_tokens} per minute",
    deduct_when=lambda response: response.status_code == HTTPStatus.UNAUTHORIZED,
)(bp)

_DESCRIPTION = Path(__file__).with_name("openapi.json")
_LARGEST_BODY = 16 * 1024
_FORMS = {"", "application/x-www-form-urlencoded", "multipart/form-data"}


@bp.before_request
def _limit_size() -> None:
    request.max_content_length = _LARGEST_BODY


@bp.get("/openapi.json")
@public
def describe() -> Response:
    """Describe these services."""
    response = make_response(_DESCRIPTION.read_bytes())
    response.mimetype = "application/json"
    return response


@bp.get("/session")
@by_token
def session() -> dict[str, Any]:
    """Tell who calls; a password is never told."""
    user, call_id = calls.caller_of(_token({}))
    return {
        "call_id": call_id,
        "user_id": user.id,
        "name": user.name,
        "record": {name: getattr(user, name) for name in RECORD_FIELDS},
        "cti_user": user.cti_user,
        "cti_phone": user.cti_phone,
    }


@bp.get("/calls/<call_id>")
@by_token
def show(call_id: str) -> dict[str, Any]:
    """Tell how far the call has come."""
    return _described(calls.call_of(_token({}), call_id))


@bp.post("/calls/<call_id>/events")
@by_token
def report(call_id: str) -> dict[str, Any]:
    """Take what the phone system reports of the call."""
    fields = _fields()
    token = _token(fields)
    event, cause = _text(fields, "event"), _text(fields, "cause", str | int)
    return _described(calls.report(token, call_id, event, cause))


def _token(fields: Mapping[str, object]) -> str:
    """Return the token of the header, else of the body; one in the address would get into logs."""
    in_body = _text(fields, "token")
    header = request.authorization
    if header is not None and header.type == "bearer":
        return header.token or ""
    return in_body


def _fields() -> Mapping[str, object]:
    """Return what the body says, be it JSON or a form."""
    if not request.is_json:
        if request.mimetype not in _FORMS:
            raise UnsupportedMediaType
        return request.form
    try:
        fields = request.get_json()
    except RecursionError:  # brackets within brackets within brackets …
        raise BadRequest from None
    if not isinstance(fields, dict):
        raise BadRequest
    return fields


def _text(fields: Mapping[str, object], name: str, sort: type | UnionType = str) -> str:
    """Return a field of the body as text."""
    value = fields.get(name, "")
    if not isinstance(value, sort) or isinstance(value, bool):
        raise InvalidError("not-text", N_("“%(name)s” has to be text."), field=name, name=name)
    return str(value)


def _described(call: Call) -> dict[str, Any]:
    return {
        "id": call.id,
        "number": call.number,
        "phone": call.phone_name,
        "state": call.state,
        "cause": call.cause,
        "created_at": call.created_at.isoformat(),
        "times": call.times,
    }
