"""Who may open what: every route is in the table, and the table holds."""

from enum import StrEnum

import pytest
from flask import request
from sqlalchemy import select

from portal.extensions import csrf, db
from portal.models import Call, Handler, Phone, Target, User, UserSession
from portal.models.call import CallState
from tests.support.databases import on_sqlite
from tests.support.people import Person
from tests.support.targets import failing_system

pytestmark = on_sqlite


class Who(StrEnum):
    """From whom on a route is open."""

    VISITOR = "visitor"
    USER = "user"
    CALLER = "user who may dial"
    MANAGER = "user who may manage phones"
    OWNER = "owner"
    ADMIN = "admin"


COLUMNS = ("visitor", "user without rights", "owner", "other user", "admin")
"""Who asks for each route. The owner is bob: what the samples name is his. Other user is alice,
who has the same rights; carol has none; ada administers."""

OPEN_TO = {
    Who.VISITOR: set(COLUMNS),
    Who.USER: {"user without rights", "owner", "other user", "admin"},
    Who.CALLER: {"owner", "other user", "admin"},
    Who.MANAGER: {"owner", "other user", "admin"},
    Who.OWNER: {"owner"},
    Who.ADMIN: {"admin"},
}

ENTERED = {"POST /dial": {"number": "201", "phone": "default", "click_token": "one-click-on-call"}}
"""What has to be entered so that a right is asked for at all."""

ON_THE_WAY_OUT = {
    (who, route)
    for who in COLUMNS[1:]
    for route in ("POST /logout", "POST /settings/security/sessions/everywhere")
}
"""Where the page to sign in is not a refusal."""

LINK_HOLDER = "holder of the one-time link"
"""A route that stands apart: open to nobody without the link."""

CALL_TOKEN = "phone system with a call token"
"""The same: open to nobody by a session; tests/web/test_api.py says to whom it is."""

OPEN_FROM = {
    "GET /api/v1/openapi.json": Who.VISITOR,
    "GET /api/v1/session": CALL_TOKEN,
    "GET /api/v1/calls/<call_id>": CALL_TOKEN,
    "POST /api/v1/calls/<call_id>/events": CALL_TOKEN,
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
    "POST /dial": Who.CALLER,
    "POST /dial/preview": Who.USER,
    "GET /calls": Who.USER,
    "GET /calls.csv": Who.USER,
    "GET /calls/<call_id>": Who.OWNER,
    "GET /people": Who.USER,
    "POST /phones/check": Who.MANAGER,
    "GET /settings/profile": Who.USER,
    "POST /settings/profile": Who.USER,
    "GET /settings/click2dial": Who.USER,
    "POST /settings/click2dial": Who.USER,
    "GET /settings/click2dial/phones/new": Who.MANAGER,
    "POST /settings/click2dial/phones/new": Who.MANAGER,
    "GET /settings/click2dial/phones/<int:phone_id>": Who.OWNER,
    "POST /settings/click2dial/phones/<int:phone_id>": Who.OWNER,
    "GET /settings/click2dial/phones/<int:phone_id>/delete": Who.OWNER,
    "POST /settings/click2dial/phones/<int:phone_id>/delete": Who.OWNER,
    "GET /settings/security": Who.USER,
    "POST /settings/security": Who.USER,
    "POST /settings/security/cti-pass/delete": Who.USER,
    "POST /settings/security/password": Who.USER,
    "POST /settings/security/sessions/end": Who.USER,
    "POST /settings/security/sessions/everywhere": Who.USER,
    "POST /settings/security/sessions/<int:session_id>/end": Who.OWNER,
    "GET /settings/privacy": Who.USER,
    "POST /settings/privacy": Who.USER,
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
    "GET /admin/click2dial/permissions": Who.ADMIN,
    "POST /admin/click2dial/permissions": Who.ADMIN,
    "POST /admin/click2dial/permissions/try": Who.ADMIN,
    "POST /admin/click2dial/dialling/stop": Who.ADMIN,
    "POST /admin/click2dial/dialling/start": Who.ADMIN,
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
    "GET /admin/audit": Who.ADMIN,
    "POST /admin/audit": Who.ADMIN,
    "GET /admin/audit/retention": Who.ADMIN,
    "POST /admin/audit/retention": Who.ADMIN,
    "GET /admin/status": Who.ADMIN,
    "POST /admin/status/phone-systems/<int:system_id>/try": Who.ADMIN,
}
BY_TOKEN = [route for route, who in OPEN_FROM.items() if who is CALL_TOKEN]


@pytest.fixture
def samples(app, alice, bob):
    """Values for the places in routes; everything that can be owned is bob's."""
    bob.new_client()
    with app.app_context():
        for person in (alice, bob):
            db.session.get(User, person.id).may_manage_phones = True
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
def browsers(app, client, ada, alice, bob):
    """A browser for each column."""
    carol = Person(app, {"login": "carol", "may_dial": False})
    people = {"user without rights": carol, "owner": bob, "other user": alice, "admin": ada}
    return {"visitor": client, **{who: person.client for who, person in people.items()}}


@pytest.fixture
def ask(browsers, samples):
    """Open a route as somebody: "open", "closed", or "sign in" if it asks for that."""

    def ask(route, who):
        method, path = addressed(route, samples).split()
        browser = browsers[who]
        data = {"csrf_token": browser.csrf_token(), **ENTERED.get(route, {})}
        answer = browser.open(path, method=method, data=data if method != "GET" else None)
        if "/login" in (answer.location or "") and (who, route) not in ON_THE_WAY_OUT:
            return "sign in"
        return {403: "closed", 404: "closed"}.get(answer.status_code, answer.status_code)

    return ask


def addressed(route, samples):
    """Put a value into each place of a route."""
    for place, value in samples.items():
        route = route.replace(place, str(value))
    assert "<" not in route
    return route


def rules(app):
    """Every method of every rule, and its rule."""
    return {
        f"{method} {rule}": rule
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def content(app):
    """Everything that the database holds besides the audit trail, which also notes refusals."""
    with app.app_context(), db.engine.connect() as connection:
        return {
            table.name: connection.execute(select(table)).fetchall()
            for table in db.metadata.sorted_tables
            if table.name != "audit_events"
        }


def test_every_route_is_in_the_table(app):
    assert set(rules(app)) == set(OPEN_FROM)


@pytest.mark.parametrize("route", [route for route in OPEN_FROM if OPEN_FROM[route] in set(Who)])
def test_it_is_open_to_whom_the_table_says_and_to_nobody_else(ask, route):
    open_to = OPEN_TO[OPEN_FROM[route]]
    closed = [who for who in COLUMNS if who not in open_to]

    answers = {who: ask(route, who) for who in (*closed, *open_to)}

    refusals = {"visitor": "sign in", **dict.fromkeys(COLUMNS[1:], "closed")}
    assert {who: answers[who] for who in closed} == {who: refusals[who] for who in closed}
    assert {answers[who] for who in open_to} <= {200, 204, 303, 409, 422}


def test_every_unsafe_route_needs_a_csrf_token(app, browsers, samples):
    unsafe = [route for route in rules(app) if not route.startswith("GET ")]
    before = content(app)

    statuses = {}
    for route in unsafe:
        method, path = addressed(route, samples).split()
        statuses[route] = browsers["admin"].open(path, method=method).status_code

    assert {route for route, status in statuses.items() if status != 400} == exempt(app)
    assert content(app) == before


def exempt(app):
    """The unsafe routes that are marked as needing no CSRF token, because they take no cookie."""
    routes = set()
    for route, rule in rules(app).items():
        with app.test_request_context():
            request.url_rule = rule
            if not route.startswith("GET ") and csrf._is_exempt():
                routes.add(route)
    return routes


def test_only_the_programs_interface_needs_no_csrf_token(app):
    assert [route for route in exempt(app) if " /api/v1/" not in route] == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_unsafe_route_does_what_another_website_sends(app, browsers, samples, site):
    browser = browsers["admin"]
    before = content(app)

    statuses = {}
    for route in set(rules(app)) - exempt(app):
        method, path = addressed(route, samples).split()
        if method != "GET":
            data = {"csrf_token": browser.csrf_token()}
            headers = {"Sec-Fetch-Site": site}
            answer = browser.open(path, method=method, data=data, headers=headers)
            statuses[route] = answer.status_code

    assert statuses
    assert {route: status for route, status in statuses.items() if status != 403} == {}
    assert content(app) == before


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_what_the_portals_own_pages_send_is_done(alice, site):
    answer = alice.client.submit("/logout", headers={"Sec-Fetch-Site": site})

    assert answer.status_code == 303


def test_no_get_changes_anything(app, browsers, samples):
    before = content(app)

    for route in rules(app):
        method, path = addressed(route, samples).split()
        if method == "GET":
            for browser in browsers.values():
                browser.get(path)
                browser.head(path)

    assert content(app) == before


@pytest.mark.parametrize("route", BY_TOKEN)
@pytest.mark.parametrize("who", COLUMNS)
def test_no_session_opens_what_a_call_token_opens(ask, route, who):
    assert ask(route, who) == 401


def test_only_what_a_call_token_opens_needs_no_csrf_token(app):
    marked = {
        f"{method} {rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if getattr(app.view_functions[rule.endpoint], "is_by_token", False)
    }

    assert marked == set(BY_TOKEN)


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
