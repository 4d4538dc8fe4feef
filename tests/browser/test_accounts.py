"""From the one-time link to the dial page, and back in later."""

from playwright.sync_api import expect

from portal import setup
from tests.support.people import PASSWORD


def test_one_time_link_leads_to_the_dial_page_and_the_account_to_the_way_back_in(
    page, portal_server
):
    with portal_server.app.app_context():
        token = setup.new_link()

    page.goto(f"/setup?token={token}")
    page.get_by_label("First name").fill("Ada")
    page.get_by_label("Surname").fill("Lovelace")
    page.get_by_label("Login").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Repeat the password").fill(PASSWORD)
    page.get_by_role("button", name="Create administrator").click()
    expect(page).to_have_url(f"{portal_server.url}/")

    page.get_by_role("button", name="Ada Lovelace").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()

    page.get_by_label("Login").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{portal_server.url}/")
