"""The headers of every answer, and the grade they earn."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

from tests.support.databases import on_sqlite
from tests.support.people import PASSWORD

pytestmark = on_sqlite

STATIC = Path(__file__).parents[1] / "portal" / "static"
ALWAYS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
HTTPS = {"base_url": "https://localhost", "headers": {"Referer": "https://localhost/login"}}

_SCRIPT = re.compile(r'<script src="/static/([^"?]+)[^"]*"([^>]*)>')
_INTEGRITY = re.compile(r'integrity="sha384-([^"]+)"')


def answers(app, client):
    """Ask every route in every way that it knows; what is missing there is an answer as well."""
    for rule in app.url_map.iter_rules():
        path = re.sub("<[^>]+>", "1", str(rule))
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            yield f"{method} {path}", client.open(path, method=method)
    yield "GET /nowhere", client.get("/nowhere")
    yield "GET /static/css/base.css", client.get("/static/css/base.css")


@pytest.mark.parametrize("who", ["visitor", "ada"])
def test_every_answer_carries_the_security_headers(app, client, ada, who):
    browser = client if who == "visitor" else ada.client

    missing = {
        route: lost
        for route, answer in answers(app, browser)
        if (lost := {name for name in ALWAYS if answer.headers.getlist(name) != [ALWAYS[name]]})
    }

    assert missing == {}


def test_nothing_but_static_files_may_be_kept_by_browsers(app, ada):
    kept = {
        route
        for route, answer in answers(app, ada.client)
        if answer.headers["Cache-Control"] != "no-store"
    }

    assert all(" /static/" in route for route in kept)
    assert kept


def test_features_that_the_portal_does_not_use_are_off(client):
    policy = client.get("/login").headers["Permissions-Policy"].split(", ")

    assert {"camera=()", "geolocation=()", "microphone=()"} <= set(policy)


def test_https_is_insisted_on_where_the_portal_was_reached_by_it(client):
    secure = client.get("/login", **HTTPS).headers["Strict-Transport-Security"]

    assert secure == "max-age=63072000; includeSubDomains"
    assert "Strict-Transport-Security" not in client.get("/login").headers


def test_https_is_not_insisted_on_if_the_setting_is_0(make_app):
    client = make_app(hsts_max_age=0).test_client()

    assert "Strict-Transport-Security" not in client.get("/login", **HTTPS).headers


def test_every_script_is_tied_to_the_file_it_is(app, ada):
    pages = [
        answer.text for _, answer in answers(app, ada.client) if answer.mimetype == "text/html"
    ]
    scripts = {found for page in pages for found in _SCRIPT.findall(page)}

    assert {path for path, _ in scripts} >= {"vendor/htmx-4.0.1.min.js", "js/replace.js"}
    for path, attributes in scripts:
        digest = hashlib.sha384((STATIC / path).read_bytes()).digest()
        assert _INTEGRITY.search(attributes)[1] == base64.b64encode(digest).decode(), path


def test_signing_out_leaves_nothing_in_the_browser(alice):
    answer = alice.client.submit("/logout")

    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'


@pytest.mark.parametrize("path", ["/login", "/", "/static/favicon.svg"])
def test_no_request_is_echoed(client, path):
    assert client.open(path, method="TRACE").status_code == 405


def test_the_headers_earn_the_best_grade(client, alice):
    """Count as Mozilla's Observatory does: from 100, with its bonuses for what is strict."""
    page = client.get("/login", **HTTPS)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    entered = {"login": "alice", "password": PASSWORD, "csrf_token": token[1]}
    cookie = client.post("/login", data=entered, **HTTPS).headers["Set-Cookie"]

    assert sum(penalties(page, cookie)) == 0
    assert 100 + sum(bonuses(page, cookie)) >= 130


def penalties(page, cookie):
    """What the scanner takes points off for."""
    policy = directives(page)
    yield -25 if not policy else 0
    yield -20 if "unsafe-inline" in str(policy) or "unsafe-eval" in str(policy) else 0
    yield -20 if "Strict-Transport-Security" not in page.headers else 0
    yield -20 if max_age(page) < 15_768_000 else 0
    yield -20 if policy.get("frame-ancestors") != "'none'" else 0
    yield -5 if page.headers.get("X-Content-Type-Options") != "nosniff" else 0
    yield -40 if "Secure" not in cookie else 0
    yield -30 if "HttpOnly" not in cookie else 0
    yield -50 if "Access-Control-Allow-Origin" in page.headers else 0
    yield -5 if re.search(r'<(script|link)[^>]*(src|href)="(https?:)?//', page.text) else 0


def bonuses(page, cookie):
    """What the scanner adds points for."""
    scripts = _SCRIPT.findall(page.text)
    yield 10 if directives(page).get("default-src") == "'none'" else 0
    yield 5 if "SameSite" in cookie and cookie.startswith("__Host-") else 0
    yield 5 if page.headers["Referrer-Policy"] in {"same-origin", "no-referrer"} else 0
    yield 5 if "frame-ancestors" in directives(page) else 0
    yield 10 if page.headers["Cross-Origin-Resource-Policy"] == "same-origin" else 0
    yield 5 if scripts and all(_INTEGRITY.search(attributes) for _, attributes in scripts) else 0


def directives(page):
    policy = page.headers["Content-Security-Policy"].split(";")
    return dict(directive.strip().split(" ", 1) for directive in policy)


def max_age(page):
    return int(re.search(r"max-age=(\d+)", page.headers["Strict-Transport-Security"])[1])
