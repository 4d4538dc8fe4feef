"""Every refusal as a page, or as a fragment for htmx: what happened and what to do next."""

from flask import Flask, Response, g, make_response, render_template
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from portal.errors import N_, PortalError
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
    response = error_page(error.status, in_words(error))
    response.headers.update(error.headers)
    return response


def _csrf_error(_error: CSRFError) -> Response:
    sentence = gettext(
        "This page was open for too long or in another session. Reload it and try again."
    )
    return error_page(400, sentence)


def _http_error(error: HTTPException) -> Response | HTTPException:
    if error.code is None or error.code < 400:  # noqa: PLR2004 - a redirect is not an error
        return error
    response = error_page(error.code, gettext(_SENTENCES.get(error.code, _SENTENCES[400])))
    for name in ("Allow", "Retry-After"):
        if value := error.get_response().headers.get(name):
            response.headers[name] = value
    return response
