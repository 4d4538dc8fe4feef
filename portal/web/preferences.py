"""Language and theme, switched from any page."""

from datetime import timedelta

from flask import Blueprint, redirect, request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal import accounts
from portal.web.addresses import own_path
from portal.web.guards import public
from portal.web.templating import LANGUAGES, THEMES

bp = Blueprint("preferences", __name__)

_CHOICES = {"language": tuple(LANGUAGES), "theme": THEMES}
_COOKIE_AGE = timedelta(days=365)


@bp.post("/preferences")
@public
def save() -> Response:
    """Keep what was chosen in the user's record and, for the sign-in page, in a cookie."""
    chosen = {
        name: request.form[name]
        for name, choices in _CHOICES.items()
        if request.form.get(name) in choices
    }
    if current_user.is_authenticated and chosen:
        accounts.change_preferences(current_user.id, **chosen)
    response = redirect(own_path(request.form.get("next")), 303)
    for name, value in chosen.items():
        response.set_cookie(
            name,
            value,
            max_age=_COOKIE_AGE,
            httponly=True,
            samesite="Lax",
            secure=request.is_secure,
        )
    return response
