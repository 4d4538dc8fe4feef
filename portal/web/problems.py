"""Every refusal as JSON (RFC 9457), for programs: a kind, and a sentence for who wrote them.

The sentences are English: programs have no language, and an API must not look at a cookie.
"""

from flask import Response, json, make_response, request
from werkzeug.exceptions import HTTPException

from portal.errors import PortalError

_SENTENCES = {
    400: "The request could not be understood. Is the body the JSON or the form it says to be?",
    404: "There is no such address. All that there are stand in /api/v1/openapi.json.",
    405: "This address does not know this method. The header Allow says which it knows.",
    413: "The request is too large.",
    415: "The body has to be JSON or a form.",
    429: "Too many requests. The header Retry-After says how many seconds to wait.",
    500: "Something went wrong on our side. Try again; X-Request-ID is the number of the case.",
    503: "The portal is busy. Wait a moment, then try again.",
}


def is_for_program() -> bool:
    """Whether whoever asked wants JSON, and no page."""
    return request.path.startswith("/api/")


def of_error(error: PortalError) -> Response:
    """Answer with what an operation refused."""
    return _problem(error.status, error.kind, str(error))


def of_http(error: HTTPException) -> Response:
    """Answer with what the web server refused."""
    status = error.code or 500
    kind = error.name.lower().replace(" ", "-")
    return _problem(status, kind, _SENTENCES.get(status, _SENTENCES[400]))


def _problem(status: int, kind: str, sentence: str) -> Response:
    response = make_response(json.dumps({"status": status, "kind": kind, "detail": sentence}))
    response.status_code = status
    response.mimetype = "application/problem+json"
    if status == 401:  # noqa: PLR2004 - which has to say how to do better
        response.headers["WWW-Authenticate"] = 'Bearer realm="call"'
    return response
