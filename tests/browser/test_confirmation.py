"""The password once more, in a real browser."""

import pytest
from playwright.sync_api import expect

from portal import schemes
from tests.browser.test_every_page import violations
from tests.support.people import ADA, PASSWORD, let_confirmations_lapse


@pytest.fixture
def ada(page, portal_server):
    """An administrator who is signed in and entered her password long ago."""
    ada = portal_server.add(ADA)
    portal_server.sign_in(page, ada)
    let_confirmations_lapse(portal_server.app)
    return ada


def test_a_card_asks_within_itself_and_keeps_what_was_entered(page, ada):
    page.goto("/settings/security")
    card = page.locator("#cti")
    card.get_by_label("CTI user").fill("ada.cti")
    card.get_by_label("Confirm with your password").fill("wrong")
    card.get_by_role("button", name="Save").click()

    expect(card.get_by_text("This is not your present password.")).to_be_visible()
    expect(card.get_by_label("Confirm with your password")).to_be_focused()
    expect(card.get_by_label("CTI user")).to_have_value("ada.cti")

    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(card.get_by_label("CTI user")).to_have_value("ada.cti")
    expect(card.get_by_label("Confirm with your password")).to_have_count(0)


def test_a_button_leads_to_a_page_that_asks_and_goes_on(page, portal_server, ada):
    with portal_server.app.app_context():
        schemes.add("ciscotel")
    page.goto("/admin/click2dial/schemes")

    page.get_by_role("button", name="Remove ciscotel").click()
    expect(page.get_by_label("Password")).to_be_focused()
    assert violations(page) == []
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.get_by_text("Browsers no longer open “ciscotel:”.")).to_be_visible()


def test_the_page_that_asks_leads_back(page, portal_server, ada):
    with portal_server.app.app_context():
        schemes.add("ciscotel")
    page.goto("/admin/click2dial/schemes")

    page.get_by_role("button", name="Remove ciscotel").click()
    page.get_by_role("link", name="Cancel").click()

    expect(page).to_have_url(f"{portal_server.url}/admin/click2dial/schemes")
    expect(page.get_by_role("button", name="Remove ciscotel")).to_be_visible()


def test_it_asks_without_scripts_as_well(chromium, portal_server, ada, page):
    context = chromium.new_context(
        base_url=portal_server.url, locale="en-GB", java_script_enabled=False
    )
    context.add_cookies(page.context.cookies())
    plain = context.new_page()
    plain.goto("/admin/click2dial/targets")
    plain.get_by_label("Host, address or network").fill("pbx.example")
    plain.get_by_role("button", name="Allow").click()
    expect(plain.get_by_text("Enter your password.")).to_be_visible()

    plain.get_by_label("Confirm with your password").fill(PASSWORD)
    plain.get_by_role("button", name="Allow").click()

    expect(plain.get_by_text("The server may contact pbx.example from now on.")).to_be_visible()
    context.close()


def test_signing_out_everywhere_leaves_nothing_in_any_browser(page, ada):
    other = ada.new_client()
    page.goto("/settings/security")
    page.evaluate("() => localStorage.setItem('left', 'over')")

    page.get_by_role("button", name="Sign out everywhere").click()

    expect(page.get_by_text("You are signed out everywhere.")).to_be_visible()
    assert page.evaluate("() => localStorage.getItem('left')") is None
    assert other.get("/settings/security").status_code == 303
