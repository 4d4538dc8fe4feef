"""Pages about allowed targets, and the forms that offer to allow one."""

import html
import re

import pytest

from portal import phones, targets
from portal.extensions import db
from portal.models import User
from portal.phones import Draft

LIST = "/admin/click2dial/targets"
ADMIN = "/admin/click2dial"
OWN = "/settings/click2dial/phones"
HANDLER = "/admin/click2dial/handlers"
URL = "https://pbx.example/call?number=<#NUMBER#>"
PHONE = {"name": "Desk", "url": URL, "open_mode": "server", "number_format": "as_entered"}
TARGET = "pbx.example:443"
OFFER = f"Allow {TARGET} when saving"


@pytest.fixture
def manager(app, alice):
    """Alice, who may set up phones of her own."""
    with app.app_context():
        db.session.get_one(User, alice.id).may_manage_phones = True
        db.session.commit()
    return alice


@pytest.fixture
def target(app, ada, alice):
    """The id of a target that Alice's phone needs."""
    with app.app_context():
        target = targets.allow("pbx.example", reason="Head office", by=ada.id)
        phones.create(alice.id, Draft("Desk", URL))
        return target.id


def _entries(app):
    with app.app_context():
        return [(item.target.entry, item.allowed_by) for item in targets.overview()]


def _choices(page):
    """Return what the form offers for the target, and what of it is chosen."""
    found = re.findall(r'name="allow" value="([^"]+)"[^>]*?( checked)?>', page)
    return [(html.unescape(value), bool(checked)) for value, checked in found]


# The list


def test_empty_list_says_that_nothing_is_allowed(ada):
    assert "Nothing is allowed yet" in ada.client.get(LIST).text


def test_target_is_allowed_and_listed_with_who_when_and_why(app, ada):
    answer = ada.client.submit(LIST, {"entry": "PBX.example:8443", "reason": "Head office"})

    assert (answer.status_code, answer.location) == (303, LIST)
    assert _entries(app) == [("pbx.example:8443", "Ada Lovelace")]
    page = ada.client.get(LIST).text
    for shown in ("pbx.example:8443", "Head office", "Ada Lovelace", "<time datetime="):
        assert shown in page


def test_what_is_no_target_is_refused_at_its_field(app, ada):
    answer = ada.client.submit(LIST, {"entry": "https://pbx.example/", "reason": "Kept"})

    assert answer.status_code == 422
    assert "This is neither a host nor a network." in answer.text
    assert 'value="https://pbx.example/"' in answer.text
    assert 'value="Kept"' in answer.text
    assert _entries(app) == []


def test_removing_says_first_which_phones_stop_working(app, ada, target):
    page = ada.client.get(f"{LIST}/{target}/delete").text
    assert "1 phone stops working" in page
    assert "Desk (alice)" in page
    assert _entries(app)

    assert ada.client.submit(f"{LIST}/{target}/delete").location == LIST

    assert _entries(app) == []
    assert ada.client.get(f"{LIST}/{target}/delete").status_code == 404


def test_only_administrators_have_to_do_with_targets(app, client, manager, target):
    for path in (LIST, f"{LIST}/{target}/delete"):
        assert manager.client.get(path).status_code == 403
        assert manager.client.submit(path, {"entry": "evil.example"}).status_code == 403
        assert client.get(path).location.startswith("/login")
    assert len(_entries(app)) == 1


# The offer


@pytest.mark.parametrize("path", [ADMIN, "/admin/users/{alice}/click2dial/phones/new"])
def test_administrator_allows_a_target_together_with_the_phone(app, ada, alice, path):
    path = path.format(alice=alice.id)

    refused = ada.client.submit(path, PHONE)
    assert refused.status_code == 422
    assert f"The portal may not contact {TARGET}." in refused.text
    assert OFFER in refused.text
    assert _choices(refused.text) == [(TARGET, False)]
    assert _entries(app) == []

    saved = ada.client.submit(path, {**PHONE, "allow": TARGET})
    assert saved.status_code == 303
    assert _entries(app) == [(TARGET, "Ada Lovelace")]


def test_another_target_than_the_offered_one_is_not_allowed(app, ada):
    other = {**PHONE, "url": "https://other.example/<#NUMBER#>", "allow": TARGET}

    answer = ada.client.submit(ADMIN, other)

    assert answer.status_code == 422
    assert _choices(answer.text) == [("other.example:443", False)]
    assert _entries(app) == []


def test_check_shows_the_target_and_keeps_what_is_chosen(app, ada):
    closed = ada.client.submit("/phones/check", PHONE, htmx=True).text
    chosen = ada.client.submit("/phones/check", {**PHONE, "allow": TARGET}, htmx=True).text
    with app.app_context():
        targets.allow("pbx.example")
    allowed = ada.client.submit("/phones/check", PHONE, htmx=True).text

    assert "Not allowed yet" in closed
    assert "036130262422" in closed
    assert _choices(closed) == [(TARGET, False)]
    assert "will be allowed" in chosen
    assert "Can be saved" in chosen
    assert _choices(chosen) == [(TARGET, True)]
    assert "allowed</span>" in allowed
    assert _choices(allowed) == []


def test_handler_is_saved_with_its_target_or_for_browsers_only(app, ada):
    form = {"name": "anlage", "url": "https://pbx.example/?n="}

    refused = ada.client.submit(f"{HANDLER}/new", form)
    assert refused.status_code == 422
    assert _choices(refused.text) == [(TARGET, False), ("closed", False)]

    assert ada.client.submit(f"{HANDLER}/new", {**form, "allow": "closed"}).status_code == 303
    assert _entries(app) == []

    again = {**form, "name": "second", "allow": TARGET}
    assert ada.client.submit(f"{HANDLER}/new", again).status_code == 303
    assert _entries(app) == [(TARGET, "Ada Lovelace")]


def test_a_refused_handler_keeps_what_was_chosen(ada):
    form = {"name": "", "url": "https://pbx.example/?n=", "allow": "closed"}
    named = {**form, "name": "anlage"}

    assert ada.client.submit(f"{HANDLER}/new", form).status_code == 422
    check = ada.client.submit(f"{HANDLER}/check", named, htmx=True).text

    assert _choices(check) == [(TARGET, False), ("closed", True)]
    assert "stays closed" in check


def test_a_handler_for_a_program_on_the_users_computer_can_only_stay_closed(ada):
    form = {"name": "local", "url": "http://localhost:9000/?n="}

    refused = ada.client.submit(f"{HANDLER}/new", form)
    chosen = ada.client.submit(f"{HANDLER}/check", {**form, "allow": "closed"}, htmx=True)

    assert _choices(refused.text) == [("closed", False)]
    assert _choices(chosen.text) == [("closed", True)]
    assert ada.client.submit(f"{HANDLER}/new", {**form, "allow": "closed"}).status_code == 303


# Own phones


def test_own_phone_reaches_only_what_is_allowed(app, ada, manager):
    with app.app_context():
        targets.allow("192.168.10.0/24:8080")

    answer = manager.client.submit(f"{OWN}/new", {**PHONE, "allow": TARGET})

    assert answer.status_code == 422
    sentence = (
        "Your phone may only contact what is allowed: 192.168.10.0/24:8080. "
        f"Ask Ada Lovelace to allow {TARGET}."
    )
    assert sentence in answer.text
    assert "An administrator has to allow" not in answer.text
    assert _choices(answer.text) == []
    assert _entries(app) == [("192.168.10.0/24:8080", "")]
    check = manager.client.submit("/phones/check", PHONE, htmx=True).text
    assert sentence in check
    assert _choices(check) == []


def test_form_of_an_own_phone_names_what_is_allowed(app, manager):
    assert "None is allowed yet." in manager.client.get(f"{OWN}/new").text
    with app.app_context():
        targets.allow("pbx.example")

    assert "pbx.example" in manager.client.get(f"{OWN}/new").text
    assert manager.client.submit(f"{OWN}/new", PHONE).status_code == 303


# Calling


def test_preview_leads_administrators_to_the_list(app, ada, alice, target):
    with app.app_context():
        phones.save_default(Draft("Desk", URL))
    ada.client.submit(f"{LIST}/{target}/delete")

    seen = {
        person.login: person.client.submit("/dial/preview", {"number": "201"}, htmx=True).text
        for person in (ada, alice)
    }

    assert f'href="{LIST}"' in seen["ada"]
    assert f'href="{LIST}"' not in seen["alice"]
    for page in seen.values():
        assert 'data-error-kind="not-on-allow-list"' in page
        assert 'id="preview-url"' in page
        assert f"The portal may not contact {TARGET}." in page
