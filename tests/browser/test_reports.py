"""A call that a real phone system reports on moves before its caller's eyes."""

import pytest
from playwright.sync_api import expect

from portal import phones
from portal.dialing.template import OpenMode
from portal.phones import Draft
from tests.support import people
from tests.support.reporting import ReportingPhoneSystem
from tests.support.targets import allow_target_of


@pytest.fixture
def dial_page(page, portal_server):
    """The dial page, opened by Alice."""
    portal_server.sign_in(page, portal_server.add(people.ALICE))
    page.goto("/dial?number=0361 30262-422")
    return page


@pytest.fixture
def reporting(portal_server, phone_system):
    """A phone system that reports, entered as the default phone in some mode."""

    def enter(open_mode):
        system = ReportingPhoneSystem(phone_system, portal_server.url)
        with portal_server.app.app_context():
            allow_target_of(system.dial_url)
            secrets_allowed = open_mode is not OpenMode.SERVER
            phones.save_default(
                Draft("Desk", system.dial_url, open_mode, secrets_allowed=secrets_allowed)
            )
        return system

    return enter


def call(page):
    page.reload()
    page.get_by_role("button", name="Call", exact=True).click()


def shows(page, state, sentence):
    card = page.locator(f"#call-card [data-call-state={state}]")
    expect(card).to_contain_text(sentence, timeout=20_000)
    return card


def test_the_card_follows_a_call_to_its_end(dial_page, reporting):
    phone_system = reporting(OpenMode.SERVER)
    call(dial_page)
    shows(dial_page, "accepted", "Accepted by the phone system.")

    phone_system.report("ringing")
    shows(dial_page, "ringing", "It is ringing.")
    phone_system.report("answered")
    shows(dial_page, "answered", "The call is connected.")
    phone_system.report("ended", "NORMAL_CLEARING")

    card = shows(dial_page, "ended", "The call has ended.")
    expect(card.locator(".progress-line > .done")).to_have_count(5)
    assert card.get_attribute("hx-get") is None


def test_the_card_says_why_nobody_was_reached(dial_page, reporting):
    phone_system = reporting(OpenMode.SERVER)
    call(dial_page)

    phone_system.report("ringing")
    phone_system.report("ended", "USER_BUSY")

    shows(dial_page, "ended", "The line was busy.")


def test_a_call_that_the_browser_opens_is_followed_as_well(dial_page, reporting, phone_system):
    phone_system.expect_request("/favicon.ico").respond_with_data("")
    reported = reporting(OpenMode.WINDOW)
    call(dial_page)
    shows(dial_page, "handed_over", "Your browser opens the call in a new window.")

    reported.report("ringing")

    shows(dial_page, "ringing", "It is ringing.")
    expect(dial_page.locator("#call-card .progress-line > li").first).to_contain_text("handed over")
