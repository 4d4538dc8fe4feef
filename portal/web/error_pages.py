"""Every refusal as a page, or as a fragment for htmx: what happened and what to do next."""

from time import time

from flask import Flask, Response, g, make_response, render_template, request
from flask_babel import gettext
from flask_limiter import RateLimitExceeded
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from portal import audit
from portal.audit import Action
from portal.errors import N_, ForbiddenError, PortalError, TooManyError
from portal.extensions import limiter
from portal.web import problems
from portal.web.htmx import wants_fragment
from portal.web.templating import in_words

_SENTENCES = {
    400: N_("The request could not be understood. Go back and try again."),
    403: N_("You may not do this."),
    404: N_("There is no such page, or it is not yours to see."),
    405: N_("This page cannot be used in this way."),
    413: N_("That was too much at once. Shorten what you entered."),
    429: N_("Too many tries. Wait a few minutes, then try again."),
    500: N_(
        "Something went wrong on our side. Try again; tell your administrator the number below."
    ),
    503: N_("The portal is busy. Wait a moment, then try again."),
}


def init_app(app: Flask) -> None:
    """Answer every error in words."""
    app.register_error_handler(PortalError, _portal_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, _http_error)


def error_page(status: int, sentence: str) -> Response:
    """Render one sentence with its status."""
    template = "errors/_error.html" if wants_fragment() else "errors/error.html"
    page = render_template(template, status=status, sentence=sentence, request_id=g.request_id)
    return make_response(page, status)


def _portal_error(error: PortalError) -> Response:
    if isinstance(error, ForbiddenError) and error.kind == "forbidden":
        _note_refusal(error.kind)
    if problems.is_for_program():
        return problems.of_error(error)
    response = error_page(error.status, in_words(error))
    if isinstance(error, TooManyError):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _csrf_error(_error: CSRFError) -> Response:
    _note_refusal("csrf")
    sentence = gettext(
        "This page was open for too long or in another session. Reload it and try again."
    )
    return error_page(400, sentence)


def _note_refusal(reason: str) -> None:
    """Put into the audit trail what somebody may not do; visitors could only fill it up."""
    if current_user.is_authenticated:
        audit.record_refusal(
            Action.ACCESS_REFUSED, f"{request.method} {request.url_rule}", reason=reason
        )


def _http_error(error: HTTPException) -> Response | HTTPException:
    if error.code is None or error.code < 400:  # noqa: PLR2004 - a redirect is not an error
        return error
    if problems.is_for_program():
        response = problems.of_http(error)
    else:
        response = error_page(error.code, gettext(_SENTENCES.get(error.code, _SENTENCES[400])))
    for name in ("Allow", "Retry-After"):
        if value := error.get_response().headers.get(name):
            response.headers[name] = value
    if isinstance(error, RateLimitExceeded) and limiter.current_limit:
        response.headers["Retry-After"] = str(max(1, limiter.current_limit.reset_at - int(time())))
    return response
