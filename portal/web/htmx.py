"""One URL, two answers: the page, or the fragment that htmx asked for."""

from flask import Response, make_response, render_template, request
from flask import redirect as flask_redirect
from werkzeug.wrappers import Response as BaseResponse


def wants_fragment() -> bool:
    """Whether htmx asks for a part of the page (restoring its history needs the whole one)."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def answer(page: str, fragment: str, status: int = 200, **context: object) -> Response:
    """Render the fragment for htmx, else the page that includes it."""
    response = make_response(
        render_template(fragment if wants_fragment() else page, **context), status
    )
    response.vary.add("HX-Request")
    return response


def redirect(location: str) -> BaseResponse:
    """Go on to another page after a POST: 303, or what htmx needs for the same."""
    if wants_fragment():
        return Response(status=204, headers={"HX-Redirect": location})
    return flask_redirect(location, 303)
