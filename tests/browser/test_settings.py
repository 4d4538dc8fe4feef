"""The Security tab in a real browser: each card by itself."""

import re

from playwright.sync_api import expect

from tests.support.people import ALICE, PASSWORD


def test_wrong_password_entry_leaves_the_other_cards_as_they_are(page, portal_server):
    portal_server.sign_in(page, portal_server.add(ALICE))
    page.goto("/settings/security")
    page.get_by_label("CTI user").fill("not saved yet")

    page.get_by_label("Present password").fill("wrong")
    page.get_by_label("New password", exact=True).fill("another password")
    page.get_by_label("Repeat the new password").fill("another password")
    page.get_by_role("button", name="Change password").click()

    expect(page.get_by_text("This is not your present password.")).to_be_visible()
    expect(page.get_by_label("Present password")).to_be_focused()
    expect(page.get_by_label("CTI user")).to_have_value("not saved yet")
    expect(page).to_have_url(f"{portal_server.url}/settings/security")

    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("another password")
    page.get_by_label("Repeat the new password").fill("another password")
    page.get_by_role("button", name="Change password").click()

    expect(page.get_by_text("The password has been changed.")).to_be_visible()


def test_cti_password_is_set_kept_and_removed(page, portal_server):
    portal_server.sign_in(page, portal_server.add(ALICE))
    page.goto("/settings/security")
    password = page.get_by_label("CTI password")

    password.fill("TopSecret-4711")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(password).to_have_value("")
    expect(password).to_have_attribute("placeholder", re.compile("••• set on .+"))

    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("The CTI password has been removed.")).to_be_visible()
    expect(password).to_have_attribute("placeholder", "Not set")


def test_another_browser_is_signed_out_by_a_click(page, portal_server):
    alice = portal_server.add(ALICE)
    other = alice.new_client()
    portal_server.sign_in(page, alice)
    page.goto("/settings/security")
    sessions = page.locator("#sessions")
    expect(sessions.get_by_role("listitem")).to_have_count(2)

    sessions.get_by_role("button", name="End", exact=True).click()

    expect(sessions.get_by_role("listitem")).to_have_count(1)
    expect(sessions).to_contain_text("this session")
    assert other.get("/settings/security").status_code == 303
