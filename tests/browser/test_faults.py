"""A phone system that does not answer, as the user sees it in the browser."""

from playwright.sync_api import expect

from portal import phones
from portal.phones import Draft
from tests.support import people, schema
from tests.support.browser import watched_page
from tests.support.faults import never_answers, phone_system_that
from tests.support.server import portal_server
from tests.support.targets import allow_target_of

LIMIT = 2.0
SLACK = 8.0
"""So many seconds longer than within a second of the limit it may take on a loaded machine."""


def test_the_end_of_the_time_for_an_exchange_shows_by_itself(chromium, sqlite_template, tmp_path):
    schema.copy_sqlite(sqlite_template, tmp_path / "var")
    with (
        portal_server(tmp_path / "var", PORTAL_EXCHANGE_TIMEOUT=str(LIMIT)) as server,
        phone_system_that(never_answers) as system,
        watched_page(chromium, server.url) as page,
    ):
        with server.app.app_context():
            allow_target_of(system.url())
            phones.save_default(Draft("Desk phones", system.url()))
        server.sign_in(page, server.add(people.ALICE))
        page.goto("/")
        page.locator("#number").fill("0361 30262422")
        expect(page.locator("#preview-url")).to_contain_text("36130262422")

        page.get_by_role("button", name="Call", exact=True).click()

        card = page.locator("[data-call-state=unknown]")
        expect(card).to_be_visible(timeout=(LIMIT + 1 + SLACK) * 1000)

        expect(card).to_contain_text("The phone system has not answered. Your phone may ring.")
        expect(card).to_contain_text("The call is not repeated.")
        assert len(system.requests) == 1
