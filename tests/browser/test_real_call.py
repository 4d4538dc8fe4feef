"""The main job, from the empty portal to a phone that rings."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support import people
from tests.support.processes import wait_for

NUMBER = "+49 (0)361 30262-422"
DIALLED = "004936130262422"
GESTURES = pytest.mark.parametrize(
    "gesture", [Locator.click, Locator.dblclick], ids=["click", "double-click"]
)


def sign_in(page: Page, login: str) -> None:
    """Sign in by the form, as people do."""
    page.goto("/login")
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill(people.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Dial")).to_be_visible()


def sign_out(page: Page) -> None:
    page.locator(".topbar-user").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def enter_handler(page: Page, name: str, url: str) -> None:
    page.goto("/admin/click2dial/handlers/new")
    page.locator("[name=name]").fill(name)
    page.locator("[name=url]").fill(url)
    page.get_by_label(re.compile(r"Allow 127\.0\.0\.1:\d+ when saving")).check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name=f"{name}://", exact=True)).to_be_visible()


def enter_default_phone(page: Page, url: str, open_mode: str) -> None:
    page.goto("/admin/click2dial")
    page.locator("[name=name]").fill("Desk phones")
    page.locator("[name=url]").fill(url)
    page.locator(f"[name=open_mode][value={open_mode}]").check()
    page.locator("[name=number_format]").select_option("international_00")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#messages .alert-ok")).to_be_visible()


@pytest.fixture
def cast(portal_server):
    """The people of the scene."""
    portal_server.add(people.ADA)
    portal_server.add(people.ALICE)


def dial(page: Page, url: str) -> None:
    """Type the number and read in the preview what will be opened."""
    page.locator("#number").fill(NUMBER)
    expect(page.locator("#preview-url")).to_have_text(url)


@GESTURES
def test_a_click_makes_a_real_phone_call_once(page, cast, softphone, called_party, gesture):
    sign_in(page, "ada")
    enter_handler(page, "tisch", softphone.dial_url)
    enter_default_phone(page, f"tisch://<#NUMBER#>%40{called_party.address}", "server")
    sign_out(page)
    sign_in(page, "alice")
    dial(page, f"{softphone.dial_url}{DIALLED}%40{called_party.address}")

    gesture(page.get_by_role("button", name="Call", exact=True))

    expect(page.locator("[data-call-state=accepted]")).to_be_visible()
    wait_for(softphone.in_call, "the called party to answer")
    softphone.hang_up()
    assert called_party.invited() == [DIALLED]
    assert called_party.count() == 1


@GESTURES
def test_in_client_mode_the_browser_opens_the_phone_program_once(page, cast, gesture):
    sign_in(page, "ada")
    enter_default_phone(page, "callto:<#NUMBER#>", "client")
    page.goto("/")
    dial(page, f"callto:{DIALLED}")
    opened = navigations(page)

    gesture(page.get_by_role("button", name="Call", exact=True))

    expect(page.locator("[data-call-state=handed_over]")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert opened == [f"callto:{DIALLED}"]
    assert page.locator("h1").inner_text() == "Dial"


@GESTURES
def test_in_window_mode_the_browser_opens_a_window_once(page, cast, phone_system, gesture):
    phone_system.expect_request("/call", query_string={"number": DIALLED}).respond_with_data("ok")
    phone_system.expect_request("/favicon.ico").respond_with_data("")
    sign_in(page, "ada")
    enter_default_phone(page, phone_system.url_for("/call?number=<#NUMBER#>"), "window")
    page.goto("/")
    dial(page, phone_system.url_for(f"/call?number={DIALLED}"))

    with page.context.expect_page() as opened:
        gesture(page.get_by_role("button", name="Call", exact=True))

    window = opened.value
    window.wait_for_load_state()
    page.wait_for_load_state("networkidle")
    assert window.url == phone_system.url_for(f"/call?number={DIALLED}")
    assert window.evaluate("() => window.opener") is None
    assert [request.path for request, _answer in phone_system.log].count("/call") == 1
    assert len(page.context.pages) == 2


def navigations(page: Page) -> list[str]:
    """Return a list that grows with every URL that Chromium is told to open in this page."""
    opened: list[str] = []
    browser = page.context.new_cdp_session(page)
    browser.send("Page.enable")
    browser.on("Page.frameStartedNavigating", lambda told: opened.append(told["url"]))
    return opened
