"""The audit trail in Chromium: narrowed down while typing, opened, saved."""

import csv
from pathlib import Path

import pytest

from portal import accounts, phones
from portal.dialing.template import OpenMode
from portal.phones import Draft
from tests.browser.test_every_page import violations
from tests.support import people


@pytest.fixture
def ada(portal_server, page):
    """An administrator who is signed in, in a portal where something has happened."""
    ada = portal_server.add(people.ADA)
    alice = portal_server.add(people.ALICE)
    with portal_server.app.app_context():
        accounts.change_cti(alice.id, cti_user="new", cti_pass="canary", cti_phone="101")
        for url in ("callto:<#NUMBER#>", "tel:<#NUMBER#>"):
            phones.save_default(Draft("Desk", url, open_mode=OpenMode.CLIENT))
    portal_server.sign_in(page, ada)
    return ada


def test_a_change_is_opened_with_the_keyboard_and_says_old_and_new(page, ada):
    page.goto("/admin/audit")
    event = page.locator("[data-action='default-phone.changed']").first

    event.locator("summary").focus()
    page.keyboard.press("Enter")

    event.locator("del").get_by_text("callto:<#NUMBER#>").wait_for()
    assert event.locator("del").inner_text().split() == ["old:", "callto:<#NUMBER#>"]
    assert event.locator("ins").inner_text().split() == ["new:", "tel:<#NUMBER#>"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_opened_is_accessible(page, portal_server, ada, theme):
    with portal_server.app.app_context():
        accounts.change_preferences(ada.id, theme=theme)
    page.goto("/admin/audit")

    for event in page.locator("details.changes").all():
        event.locator("summary").click()

    assert violations(page) == []


def test_the_list_follows_what_is_typed_and_the_file_too(page, ada):
    page.goto("/admin/audit")

    page.get_by_label("Search the audit trail").press_sequentially("alice")
    page.get_by_text("1 event", exact=True).wait_for()
    page.wait_for_url("**/admin/audit?text=alice*")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()

    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    _header, *rows = csv.reader(text.splitlines(), delimiter=";")
    assert [row[3:5] for row in rows] == [
        ["Audit trail saved as a file", ""],
        ["CTI credentials changed", "alice"],
    ]
    assert "canary" not in text


def test_it_works_without_scripts(portal_server, chromium, ada):
    context = chromium.new_context(base_url=portal_server.url, java_script_enabled=False)
    page = context.new_page()
    portal_server.sign_in(page, ada)
    page.goto("/admin/audit")

    page.get_by_label("Area").select_option("users")
    page.get_by_role("button", name="Search").click()

    assert page.locator("[data-action]").count() == 1
    with page.expect_download():
        page.get_by_role("button", name="Save as CSV").click()
    context.close()


def test_own_data_is_saved_as_a_file(page, ada):
    page.goto("/settings/privacy")

    with page.expect_download() as download:
        page.get_by_role("button", name="Save own data").click()

    assert download.value.suggested_filename == "click2dial.json"
    assert '"surname": "Lovelace"' in Path(download.value.path()).read_text(encoding="utf-8")
