"""Who may open what: every route is in the table, and the table holds."""

from enum import StrEnum

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import Call, Handler, Phone, Target, User, UserSession
from portal.models.call import CallState
from tests.support.databases import on_sqlite
from tests.support.targets import failing_system

pytestmark = on_sqlite


class Who(StrEnum):
    """To whom a route is open.

    The owner is bob: what the samples name is his, and he may manage phones.
    """

    VISITOR = "visitor"
    USER = "user"
    OWNER = "owner"
    ADMIN = "admin"


LINK_HOLDER = "holder of the one-time link"
"""A route that stands apart: open to nobody without the link."""

OPEN_FROM = {
    "GET /healthz": Who.VISITOR,
    "GET /static/<path:filename>": Who.VISITOR,
    "GET /login": Who.VISITOR,
    "POST /login": Who.VISITOR,
    "POST /preferences": Who.VISITOR,
    "GET /setup": LINK_HOLDER,
    "POST /setup": LINK_HOLDER,
    "POST /logout": Who.USER,
    "GET /": Who.USER,
    "GET /dial": Who.USER,
    "POST /dial": Who.USER,
    "POST /dial/preview": Who.USER,
    "GET /calls": Who.USER,
    "GET /calls.csv": Who.USER,
    "GET /calls/<call_id>": Who.OWNER,
    "GET /people": Who.USER,
    "POST /phones/check": Who.OWNER,
    "GET /settings/profile": Who.USER,
    "POST /settings/profile": Who.USER,
    "GET /settings/click2dial": Who.USER,
    "POST /settings/click2dial": Who.USER,
    "GET /settings/click2dial/phones/new": Who.OWNER,
    "POST /settings/click2dial/phones/new": Who.OWNER,
    "GET /settings/click2dial/phones/<int:phone_id>": Who.OWNER,
    "POST /settings/click2dial/phones/<int:phone_id>": Who.OWNER,
    "GET /settings/click2dial/phones/<int:phone_id>/delete": Who.OWNER,
    "POST /settings/click2dial/phones/<int:phone_id>/delete": Who.OWNER,
    "GET /settings/security": Who.USER,
    "POST /settings/security": Who.USER,
    "POST /settings/security/cti-pass/delete": Who.USER,
    "POST /settings/security/password": Who.USER,
    "POST /settings/security/sessions/end": Who.USER,
    "POST /settings/security/sessions/<int:session_id>/end": Who.OWNER,
    "GET /admin/click2dial": Who.ADMIN,
    "POST /admin/click2dial": Who.ADMIN,
    "GET /admin/click2dial/practice": Who.ADMIN,
    "POST /admin/click2dial/practice": Who.ADMIN,
    "GET /admin/click2dial/handlers": Who.ADMIN,
    "GET /admin/click2dial/handlers/new": Who.ADMIN,
    "POST /admin/click2dial/handlers/new": Who.ADMIN,
    "POST /admin/click2dial/handlers/check": Who.ADMIN,
    "GET /admin/click2dial/handlers/<int:handler_id>": Who.ADMIN,
    "POST /admin/click2dial/handlers/<int:handler_id>": Who.ADMIN,
    "GET /admin/click2dial/handlers/<int:handler_id>/delete": Who.ADMIN,
    "POST /admin/click2dial/handlers/<int:handler_id>/delete": Who.ADMIN,
    "GET /admin/click2dial/targets": Who.ADMIN,
    "POST /admin/click2dial/targets": Who.ADMIN,
    "GET /admin/click2dial/targets/<int:target_id>": Who.ADMIN,
    "POST /admin/click2dial/targets/<int:target_id>": Who.ADMIN,
    "POST /admin/click2dial/targets/<int:target_id>/certificate": Who.ADMIN,
    "GET /admin/click2dial/targets/<int:target_id>/delete": Who.ADMIN,
    "POST /admin/click2dial/targets/<int:target_id>/delete": Who.ADMIN,
    "GET /admin/click2dial/schemes": Who.ADMIN,
    "POST /admin/click2dial/schemes": Who.ADMIN,
    "POST /admin/click2dial/schemes/<scheme>/delete": Who.ADMIN,
    "GET /admin/users": Who.ADMIN,
    "GET /admin/users/new": Who.ADMIN,
    "POST /admin/users/new": Who.ADMIN,
    "GET /admin/users/<int:user_id>": Who.ADMIN,
    "POST /admin/users/<int:user_id>": Who.ADMIN,
    "POST /admin/users/<int:user_id>/account": Who.ADMIN,
    "POST /admin/users/<int:user_id>/disable": Who.ADMIN,
    "POST /admin/users/<int:user_id>/enable": Who.ADMIN,
    "GET /admin/users/<int:user_id>/click2dial": Who.ADMIN,
    "POST /admin/users/<int:user_id>/click2dial": Who.ADMIN,
    "GET /admin/users/<int:user_id>/click2dial/phones/new": Who.ADMIN,
    "POST /admin/users/<int:user_id>/click2dial/phones/new": Who.ADMIN,
    "GET /admin/users/<int:user_id>/click2dial/phones/<int:phone_id>": Who.ADMIN,
    "POST /admin/users/<int:user_id>/click2dial/phones/<int:phone_id>": Who.ADMIN,
    "GET /admin/users/<int:user_id>/click2dial/phones/<int:phone_id>/delete": Who.ADMIN,
    "POST /admin/users/<int:user_id>/click2dial/phones/<int:phone_id>/delete": Who.ADMIN,
    "GET /admin/users/<int:user_id>/security": Who.ADMIN,
    "POST /admin/users/<int:user_id>/security": Who.ADMIN,
    "POST /admin/users/<int:user_id>/security/cti-pass/delete": Who.ADMIN,
    "POST /admin/users/<int:user_id>/security/password": Who.ADMIN,
    "POST /admin/users/<int:user_id>/security/sessions/end": Who.ADMIN,
    "POST /admin/users/<int:user_id>/security/sessions/<int:session_id>/end": Who.ADMIN,
    "GET /admin/status": Who.ADMIN,
    "POST /admin/status/phone-systems/<int:system_id>/try": Who.ADMIN,
}
CLOSED = {route: who for route, who in OPEN_FROM.items() if who in set(Who) - {Who.VISITOR}}
UNSAFE = [route for route in OPEN_FROM if not route.startswith("GET ")]


@pytest.fixture
def samples(app, bob):
    """Values for the places in routes; everything that can be owned is bob's."""
    bob.new_client()
    with app.app_context():
        db.session.get(User, bob.id).may_manage_phones = True
        handler = Handler(name="anlage", url="https://pbx.example/")
        phone = Phone(name="Desk", url="https://pbx.example/<#NUMBER#>", owner_id=bob.id)
        target = Target(entry="pbx.example")
        system = failing_system("pbx.example:443", paused=True)
        db.session.add_all([handler, phone, target, system])
        db.session.flush()
        call = Call(
            user_id=bob.id,
            click_token="click",
            number="201",
            phone_name="Desk",
            connector="http",
            open_mode=phone.open_mode,
            masked_url="https://pbx.example/201",
            state=CallState.ACCEPTED,
        )
        db.session.add(call)
        db.session.commit()
        return {
            "<int:user_id>": bob.id,
            "<int:phone_id>": phone.id,
            "<int:handler_id>": handler.id,
            "<int:target_id>": target.id,
            "<int:system_id>": system.id,
            "<int:session_id>": db.session.scalar(
                select(UserSession.id).where(UserSession.user_id == bob.id)
            ),
            "<call_id>": call.id,
            "<scheme>": "msteams",
            "<path:filename>": "favicon.svg",
        }


@pytest.fixture
def ask(app, ada, alice, bob, samples):
    """Open a route as somebody and tell the status, or "sign in" if it asks for that."""

    def ask(route, who, *, with_token=True):
        browsers = {Who.USER: alice, Who.OWNER: bob, Who.ADMIN: ada}
        browser = browsers[who].client if who in browsers else app.test_client()
        method, path = route.split()
        for place, value in samples.items():
            path = path.replace(place, str(value))
        data = {"csrf_token": browser.csrf_token()} if with_token and method == "POST" else None
        answer = browser.open(path, method=method, data=data)
        return "sign in" if "/login" in (answer.location or "") else answer.status_code

    return ask


def test_every_route_is_in_the_table(app):
    routes = {
        f"{method} {rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert routes == set(OPEN_FROM)


@pytest.mark.parametrize("route", [route for route in OPEN_FROM if OPEN_FROM[route] in set(Who)])
def test_it_is_open_to_whom_the_table_says(ask, route):
    answer = ask(route, OPEN_FROM[route])

    assert answer in {200, 303, 204, 409, 422} or (route, answer) == ("POST /logout", "sign in")


@pytest.mark.parametrize("route", CLOSED)
def test_visitors_have_to_sign_in(ask, route):
    assert ask(route, Who.VISITOR) == "sign in"


@pytest.mark.parametrize("route", [route for route in CLOSED if CLOSED[route] is not Who.USER])
def test_it_is_closed_to_those_without_the_right(ask, route):
    assert ask(route, Who.USER) in {403, 404}


@pytest.mark.parametrize("route", [route for route in CLOSED if CLOSED[route] is Who.ADMIN])
def test_it_is_closed_to_all_but_administrators(ask, route):
    assert ask(route, Who.OWNER) == 403


@pytest.mark.parametrize("route", UNSAFE)
def test_without_csrf_token_nothing_can_be_changed(ask, route):
    assert ask(route, Who.ADMIN, with_token=False) == 400


@pytest.mark.parametrize("path", ["/setup", "/setup?token=wrong"])
def test_nobody_sets_up_without_the_link(client, path):
    assert client.get(path).status_code == 403
    assert client.submit(path).status_code == 403


def test_a_call_is_its_callers_alone(alice, ada, samples):
    path = f"/calls/{samples['<call_id>']}"

    assert alice.client.get(path).status_code == 404
    assert ada.client.get(path).status_code == 404


def test_visitors_come_back_to_where_they_wanted(client, alice):
    answer = client.get("/dial?number=201")

    assert answer.location == "/login?next=/dial?number%3D201"


def test_htmx_is_sent_to_the_sign_in_page_as_a_whole(client):
    answer = client.get("/calls", htmx=True)

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login"


def test_every_answer_carries_the_security_headers(client):
    for path in ("/login", "/healthz", "/static/favicon.svg", "/nowhere", "/calls"):
        headers = client.get(path).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Request-ID"]
