"""Who may open a page: nobody but the signed-in, unless a view says otherwise."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Flask, Request, Response, current_app, request, session, url_for
from flask import redirect as flask_redirect
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from portal import audit, rights
from portal.audit import Actor
from portal.extensions import login_manager
from portal.identity import Identity, identify
from portal.web.htmx import wants_fragment

P = ParamSpec("P")
R = TypeVar("R")

TOKEN = "token"  # noqa: S105 - the key in the cookie, not a token


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Let visitors open this view."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def by_token(view: Callable[P, R]) -> Callable[P, R]:
    """Let in whoever shows a call token, which the view checks; no session opens this view."""
    view.is_by_token = True  # type: ignore[attr-defined]
    return public(view)


def admin(view: Callable[P, R]) -> Callable[P, R]:
    """Let only administrators open this view."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        rights.require(rights.may_administer(me()))
        return view(*args, **kwargs)

    return guarded


def me() -> Identity:
    """Return the signed-in user; only for views that are not public."""
    identity: Identity = current_user._get_current_object()  # noqa: SLF001 - how werkzeug unwraps
    return identity


def init_app(app: Flask) -> None:
    """Close every view and tell flask-login who holds the session."""
    login_manager.session_protection = None
    login_manager.init_app(app)
    login_manager.request_loader(_signed_in)
    app.before_request(_refuse_visitors)


def _signed_in(_request: Request) -> Identity | None:
    token = session.get(TOKEN)
    identity = identify(token) if token else None
    if identity:
        audit.actor.set(Actor(identity.id, identity.name, request.remote_addr or ""))
    return identity


def _refuse_visitors() -> BaseResponse | None:
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or request.endpoint == "static" or getattr(view, "is_public", False):
        return None
    if current_user.is_authenticated:
        return None
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    login = url_for("accounts.login", next=wanted)
    if wants_fragment():
        return Response(status=401, headers={"HX-Redirect": url_for("accounts.login")})
    return flask_redirect(login, 303)
