"""What happens around every request: its id, its cookie, its headers."""

import re
import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

import structlog
from flask import Flask, Response, current_app, g, request
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import audit
from portal.audit import Actor
from portal.database import read_only
from portal.errors import N_, ForbiddenError
from portal.extensions import config, csrf, limiter

_UNUSED_FEATURES = (
    "camera",
    "display-capture",
    "geolocation",
    "hid",
    "microphone",
    "midi",
    "payment",
    "serial",
    "usb",
)
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _UNUSED_FEATURES),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_READING_METHODS = {"GET", "HEAD", "OPTIONS"}
_OTHER_SITES = {"cross-site", "same-site"}


class CookieSession(SecureCookieSessionInterface):
    """The signed cookie, tied to this host wherever the request came by HTTPS."""

    def __init__(self) -> None:
        self._serializer: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Make it once: every request needs it, and the key stays the same."""
        if self._serializer is None:
            self._serializer = super().get_signing_serializer(app)
        return self._serializer

    def get_cookie_name(self, app: Flask) -> str:
        """Use the prefix that lets no other host set the cookie, where browsers allow it."""
        return "__Host-session" if request.is_secure else "session"

    def get_cookie_secure(self, app: Flask) -> bool:
        """Send it back by HTTPS only if it came that way."""
        return request.is_secure


V = TypeVar("V", bound=Callable[..., object])


def only_reads(view: V) -> V:
    """Let a view that is opened by POST take no write lock, because it changes nothing."""
    view.only_reads = True  # type: ignore[attr-defined]
    return view


def init_app(app: Flask) -> None:
    """Put the portal's own care around every request."""
    settings = app.extensions["config"]
    app.session_interface = CookieSession()
    app.config.from_mapping(
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=settings.session_lifetime,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
        WTF_CSRF_TIME_LIMIT=None,
        RATELIMIT_STORAGE_URI=settings.redis_url or "memory://",
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=bool(settings.redis_url),
    )
    app.before_request(_begin)  # first: refusals of the others need the request's id
    csrf.init_app(app)
    app.before_request(_refuse_other_sites)
    limiter.init_app(app)
    if hops := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.after_request(_add_headers)
    app.teardown_request(_end)


def _begin() -> None:
    """Give the request its id, say whether it may write, and that as yet it is a visitor's."""
    given = request.headers.get("X-Request-ID", "")
    trusted = config().trusted_proxies and _REQUEST_ID.fullmatch(given)
    g.request_id = given if trusted else secrets.token_hex(16)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    audit.actor.set(Actor(None, "", request.remote_addr or ""))
    view = current_app.view_functions.get(request.endpoint or "")
    read_only.set(request.method in _READING_METHODS or getattr(view, "only_reads", False))


def _end(_error: BaseException | None) -> None:
    """Leave no name and no restriction behind for whatever this thread does next."""
    audit.actor.set(audit.CONSOLE)
    read_only.set(False)


def _refuse_other_sites() -> None:
    """Refuse what another website made a browser send, whatever token it carries.

    The mark is the browser's own and out of reach for pages; only requests that needed a
    CSRF token are looked at, because nothing else acts on a cookie.
    """
    if g.get("csrf_valid") and request.headers.get("Sec-Fetch-Site") in _OTHER_SITES:
        raise ForbiddenError(
            "other-site",
            N_(
                "Another website made your browser send this, so nothing was done. "
                "Open the page in the portal and try again there."
            ),
        )


def _add_headers(response: Response) -> Response:
    response.headers.extend(_HEADERS)
    response.headers["X-Request-ID"] = g.request_id
    if request.is_secure and config().hsts_max_age:
        value = f"max-age={config().hsts_max_age}; includeSubDomains"
        response.headers["Strict-Transport-Security"] = value
    if request.endpoint != "static" or response.status_code >= HTTPStatus.BAD_REQUEST:
        response.headers.setdefault("Cache-Control", "no-store")
    elif "v" in request.args:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response
