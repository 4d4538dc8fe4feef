"""The password once more: what asks for it, and that nothing happens without it."""

import html
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import update

from portal import accounts, permissions, targets
from portal.database import now
from portal.dialing.number_class import NumberClass
from portal.extensions import db
from portal.models import Handler, Phone, Role, Setting, User
from tests.support.databases import on_sqlite
from tests.support.people import PASSWORD, let_confirmations_lapse
from tests.test_routes import content, rules

pytestmark = on_sqlite

PHONE = {"name": "Desk", "url": "callto:<#NUMBER#>", "open_mode": "client"}
PHONE |= {"number_format": "as_entered"}
ACCOUNT = {"login": "bob", "role": "admin", "may_dial": "y"}
NEW_PASSWORD = {"new": "copper lamps and walnut", "repeat": "copper lamps and walnut"}
CTI = {"cti_user": "alice.cti", "cti_phone": "SIP/201", "cti_pass": "TopSecret-4711"}
NEW_USER = {"login": "carol", "password": "copper lamps and walnut", "role": "user"}
NEW_USER |= dict.fromkeys(("firstname", "surname", "email", "phone", "department", "position"), "")
PERMISSIONS = {f"{role}.{name}": "allow" for role in Role for name in NumberClass}

PROTECTED = {
    "POST /admin/click2dial": PHONE,
    "POST /admin/click2dial/practice": {},
    "POST /admin/click2dial/handlers/new": {"name": "new", "url": "callto:<#NUMBER#>"},
    "POST /admin/click2dial/handlers/<int:handler_id>": {"name": "new", "url": "callto:"},
    "POST /admin/click2dial/handlers/<int:handler_id>/delete": {},
    "POST /admin/click2dial/targets": {"entry": "new.example"},
    "POST /admin/click2dial/targets/<int:target_id>": {"trust_mode": "unverified"},
    "POST /admin/click2dial/targets/<int:target_id>/delete": {},
    "POST /admin/click2dial/permissions": PERMISSIONS,
    "POST /admin/click2dial/dialling/start": {},
    "POST /admin/click2dial/schemes": {"scheme": "msteams"},
    "POST /admin/click2dial/schemes/<scheme>/delete": {},
    "POST /admin/audit/retention": {"calls": "7", "audit": "365"},
    "POST /admin/users/new": NEW_USER,
    "POST /admin/users/<int:user_id>/account": ACCOUNT,
    "POST /admin/users/<int:user_id>/disable": {},
    "POST /admin/users/<int:user_id>/enable": {},
    "POST /admin/users/<int:user_id>/click2dial/phones/new": {**PHONE, "name": "New"},
    "POST /admin/users/<int:user_id>/click2dial/phones/<int:phone_id>": PHONE,
    "POST /admin/users/<int:user_id>/click2dial/phones/<int:phone_id>/delete": {},
    "POST /admin/users/<int:user_id>/security": CTI,
    "POST /admin/users/<int:user_id>/security/cti-pass/delete": {},
    "POST /admin/users/<int:user_id>/security/password": NEW_PASSWORD,
    "POST /settings/click2dial/phones/new": {**PHONE, "name": "New"},
    "POST /settings/click2dial/phones/<int:own_phone>": PHONE,
    "POST /settings/click2dial/phones/<int:own_phone>/delete": {},
    "POST /settings/security": CTI,
    "POST /settings/security/cti-pass/delete": {},
}
"""Every change that needs the password, and what to enter for it."""

DOWNLOADS = {"POST /admin/audit": "text/csv", "POST /settings/privacy": "application/json"}
"""Every file that needs the password, and its type; nothing changes by it."""

EXCEPTIONS = {
    "POST /admin/click2dial/targets/<int:target_id>/certificate": "changes nothing",
    "POST /admin/click2dial/handlers/check": "changes nothing",
    "POST /admin/click2dial/permissions/try": "changes nothing",
    "POST /admin/click2dial/dialling/stop": "stops what is going wrong, at once",
    "POST /admin/status/phone-systems/<int:system_id>/try": "lets the next call try, as time would",
    "POST /admin/users/<int:user_id>": "the record gives no right and no access",
    "POST /admin/users/<int:user_id>/click2dial": "chooses among phones that exist",
    "POST /admin/users/<int:user_id>/security/sessions/end": "takes access away",
    "POST /admin/users/<int:user_id>/security/sessions/<int:session_id>/end": "takes access away",
    "POST /settings/click2dial": "chooses among phones that exist",
    "POST /settings/profile": "the record gives no right and no access",
    "POST /settings/security/password": "asks for the present password itself",
    "POST /settings/security/sessions/end": "takes access away",
    "POST /settings/security/sessions/everywhere": "takes access away",
    "POST /settings/security/sessions/<int:session_id>/end": "takes access away",
}
"""Every other change in settings and administration, and why it needs none."""

FORM_PAGES = {
    route.replace("POST", "GET"): route
    for route, entered in PROTECTED.items()
    if entered and not route.endswith(("account", "password"))
}


@pytest.fixture
def samples(app, ada, bob):
    """Values for the places in routes, and something behind each of them."""
    with app.app_context():
        target = targets.allow("pbx.example")
        phones = {
            whose: Phone(name="Desk", url="tel:<#NUMBER#>", open_mode="client", owner_id=owner)
            for whose, owner in (("bob", bob.id), ("ada", ada.id), ("default", None))
        }
        handler = Handler(name="anlage", url="callto:")
        db.session.add_all([*phones.values(), handler])
        db.session.merge(Setting(name="browser_schemes", value=["ciscotel"]))
        db.session.commit()
        for person in (ada, bob):
            accounts.change_cti(person.id, cti_user="", cti_pass="secret", cti_phone="")
        accounts.disable(bob.id, by=ada.id)
        permissions.stop()
        return {
            "<int:user_id>": bob.id,
            "<int:phone_id>": phones["bob"].id,
            "<int:own_phone>": phones["ada"].id,
            "<int:handler_id>": handler.id,
            "<int:target_id>": target.id,
            "<scheme>": "ciscotel",
        }


@pytest.fixture
def path_of(samples):
    def path_of(route):
        path = route.split()[1]
        for place, value in samples.items():
            path = path.replace(place, str(value))
        return path

    return path_of


@pytest.fixture
def stale(app, ada):
    """Ada's browser, long after she entered her password."""
    browser = ada.client
    let_confirmations_lapse(app)
    return browser


def without_sessions_and_tries(tables):
    """What a database holds besides what the question for the password itself leaves there."""
    ignored = {"user_sessions", "password_tries", "audit_events"}
    return {name: rows for name, rows in tables.items() if name not in ignored}


def test_every_change_asks_for_the_password_or_is_an_exception_with_a_reason(app):
    changes = {
        route
        for route in rules(app)
        if not route.startswith("GET") and route.split()[1].startswith(("/admin", "/settings"))
    }

    mine = {route.replace("own_phone", "phone_id") for route in [*PROTECTED, *DOWNLOADS]}
    assert changes == mine | set(EXCEPTIONS)
    assert not mine & set(EXCEPTIONS)


@pytest.mark.parametrize("route", PROTECTED)
@pytest.mark.parametrize("password", [None, "", "wrong"])
def test_without_the_password_nothing_changes(app, stale, path_of, route, password):
    if "enable" not in route:
        enable_all(app)
    entered = {} if password is None else {"confirm_password": password}
    before = without_sessions_and_tries(content(app))

    answer = stale.submit(path_of(route), {**PROTECTED[route], **entered})

    assert answer.status_code == 422
    assert 'name="confirm_password"' in answer.text
    assert ("This is not your present password." in answer.text) is (password == "wrong")
    assert without_sessions_and_tries(content(app)) == before


@pytest.mark.parametrize("route", PROTECTED)
def test_with_the_password_it_is_done_in_one_step(app, stale, path_of, route):
    if "enable" not in route:
        enable_all(app)
    before = without_sessions_and_tries(content(app))

    answer = stale.submit(path_of(route), {**PROTECTED[route], "confirm_password": PASSWORD})

    assert answer.status_code == 303
    assert without_sessions_and_tries(content(app)) != before


@pytest.mark.parametrize("route", DOWNLOADS)
def test_a_file_is_given_only_with_the_password(stale, path_of, route):
    path = path_of(route)

    refused = stale.submit(path, {"confirm_password": "wrong"})
    given = stale.submit(path, {"confirm_password": PASSWORD})

    assert refused.status_code == 422
    assert refused.mimetype == "text/html"
    assert (given.status_code, given.mimetype) == (200, DOWNLOADS[route])


@pytest.mark.parametrize("page", FORM_PAGES)
def test_the_form_shows_the_field_only_when_it_is_needed(app, ada, path_of, page):
    path = path_of(page)
    assert 'name="confirm_password"' not in ada.client.get(path).text

    let_confirmations_lapse(app)

    assert 'name="confirm_password"' in ada.client.get(path).text


@pytest.mark.parametrize(
    "route", [route for route in PROTECTED if route.endswith(("practice", "/delete"))]
)
def test_a_page_that_asks_whether_one_is_sure_asks_in_the_same_step(stale, path_of, route):
    answer = stale.get(path_of(route))

    assert answer.status_code == 405 or 'name="confirm_password"' in answer.text


def test_after_the_password_nothing_asks_for_a_while(app, stale, samples):
    stale.submit(
        "/admin/click2dial/targets", {"entry": "one.example", "confirm_password": PASSWORD}
    )

    answer = stale.submit("/admin/click2dial/targets", {"entry": "two.example"})

    assert answer.status_code == 303


def test_what_was_entered_is_kept_but_no_password(stale):
    entered = {"entry": "new.example", "reason": "Branch office", "confirm_password": "wrong one"}

    answer = stale.submit("/admin/click2dial/targets", entered)

    assert 'value="new.example"' in answer.text
    assert 'value="Branch office"' in answer.text
    assert "wrong one" not in answer.text


def test_a_right_password_counts_although_something_else_is_wrong(stale):
    entered = {"entry": "not a host!", "confirm_password": PASSWORD}

    answer = stale.submit("/admin/click2dial/targets", entered)

    assert answer.status_code == 422
    assert 'name="confirm_password"' not in answer.text


def test_a_card_that_was_sent_by_htmx_asks_within_itself(stale):
    answer = stale.submit("/settings/security", CTI, htmx=True)

    assert answer.status_code == 422
    assert 'name="confirm_password"' in answer.text
    assert "<html" not in answer.text
    assert CTI["cti_pass"] not in answer.text


def test_wrong_passwords_are_slowed_down_apart_from_the_sign_in_page(client, stale):
    entered = {"entry": "new.example", "confirm_password": "wrong"}
    for _ in range(5):
        stale.submit("/admin/click2dial/targets", entered)

    answer = stale.submit("/admin/click2dial/targets", {**entered, "confirm_password": PASSWORD})

    assert "Too many wrong passwords. Wait 60 seconds" in html.unescape(answer.text)
    assert client.submit("/login", {"login": "ada", "password": PASSWORD}).status_code == 303


def test_who_fails_at_the_sign_in_page_keeps_nobody_from_confirming(client, stale):
    for _ in range(6):
        client.submit("/login", {"login": "ada", "password": "wrong"})

    answer = stale.submit(
        "/admin/click2dial/targets", {"entry": "new.example", "confirm_password": PASSWORD}
    )

    assert answer.status_code == 303


def test_the_own_new_password_is_proof_for_what_follows(app, stale):
    stale.submit("/settings/security/password", {**NEW_PASSWORD, "current": PASSWORD})

    assert stale.submit("/settings/security", CTI).status_code == 303


def test_a_sign_in_counts_for_a_quarter_of_an_hour(ada):
    browser = ada.client
    with time_machine.travel(now() + timedelta(minutes=14), tick=False):
        assert 'name="confirm_password"' not in browser.get("/settings/security").text
    with time_machine.travel(now() + timedelta(minutes=16), tick=False):
        assert 'name="confirm_password"' in browser.get("/settings/security").text


def enable_all(app):
    with app.app_context():
        db.session.execute(update(User).values(active=True))
        db.session.commit()
