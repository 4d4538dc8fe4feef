"""An administrator confirms the certificate of a phone system, in a real browser."""

import pytest
from cryptography.hazmat.primitives import hashes
from playwright.sync_api import expect
from sqlalchemy import select

from portal import targets
from portal.dialing.tls import Trust, TrustMode
from portal.extensions import db
from portal.models import Target
from tests.browser.test_every_page import PHONE, violations
from tests.support import schema, server
from tests.support.certificates import self_signed, tls_phone_system
from tests.support.people import ADA

LIST = "/admin/click2dial/targets"


@pytest.fixture
def portal_server(tmp_path, sqlite_template):
    """The portal with time to agree on keys, which takes a while under load."""
    schema.copy_sqlite(sqlite_template, tmp_path / "var")
    with server.portal_server(tmp_path / "var", PORTAL_CONNECT_TIMEOUT="20") as running:
        yield running


@pytest.fixture
def system():
    """A phone system that made its certificate itself."""
    with tls_phone_system(self_signed()) as running:
        yield running


@pytest.fixture
def target(page, portal_server, system):
    """The page of the phone system's target, opened by an administrator; gives its address."""
    portal_server.sign_in(page, portal_server.add(ADA))
    with portal_server.app.app_context():
        address = f"{LIST}/{targets.allow(system.entry).id}"
    page.goto(address)
    return address


def _trust(portal_server):
    with portal_server.app.app_context():
        return db.session.scalars(select(Target)).one().trust


def test_a_certificate_is_fetched_compared_and_confirmed(page, portal_server, system, target):
    page.get_by_role("button", name="Fetch certificate").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Calls refuse it")).to_be_visible()
    expect(page.get_by_role("button", name="Fetch again")).to_be_focused()
    for group in range(8):
        shown = page.locator("#shown-fingerprint code").nth(group)
        expect(shown).to_have_text(_group(system.shows, group))
    assert violations(page) == []

    page.get_by_role("button", name="Confirm this certificate").click()
    expect(page).to_have_url(f"{portal_server.url}{LIST}")
    expect(page.get_by_text("one certificate")).to_be_visible()
    assert _trust(portal_server) == Trust(TrustMode.PIN, fingerprint=system.shows.fingerprint)


def test_a_changed_certificate_stands_beside_the_confirmed_one(page, portal_server, system, target):
    confirmed, system.shows = system.shows, self_signed()
    with portal_server.app.app_context():
        targets.change_trust(1, TrustMode.PIN, fingerprint=confirmed.fingerprint)
    page.set_viewport_size(PHONE)
    page.reload()

    page.get_by_role("button", name="Fetch certificate").click()

    expect(page.get_by_role("alert")).to_contain_text("Not the confirmed certificate")
    expect(page.locator("#shown-fingerprint")).to_contain_text(_group(system.shows, 0))
    expect(page.locator("#confirmed-fingerprint")).to_contain_text(_group(confirmed, 0))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    assert violations(page) == []


def test_only_what_belongs_to_the_choice_is_shown(page, target):
    fields = {
        "One certificate": page.get_by_label("SHA-256 fingerprint"),
        "Own authority": page.get_by_label("Certificate of the authority"),
        "Do not verify": page.get_by_text("Only as long as nothing else is possible"),
    }
    for field in fields.values():
        expect(field).to_be_hidden()

    for choice, field in fields.items():
        page.get_by_label(choice).check()
        expect(field).to_be_visible()
        assert [other.is_visible() for other in fields.values()].count(True) == 1


def test_it_works_without_scripts(chromium, page, portal_server, system, target):
    context = chromium.new_context(
        base_url=portal_server.url, java_script_enabled=False, locale="en-GB"
    )
    context.add_cookies(page.context.cookies())
    plain = context.new_page()
    plain.goto(target)

    plain.get_by_role("button", name="Fetch certificate").click()
    plain.get_by_role("button", name="Confirm this certificate").click()

    expect(plain.get_by_text("one certificate")).to_be_visible()
    context.close()
    assert _trust(portal_server).fingerprint == system.shows.fingerprint


def _group(issued, place):
    return issued.certificate.fingerprint(hashes.SHA256())[place * 4 :][:4].hex(":").upper()
