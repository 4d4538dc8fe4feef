"""A newcomer's first minutes: from the one-time link to the first practice call."""

from playwright.sync_api import expect

from tests.support.people import PASSWORD


def test_from_the_link_to_the_first_practice_call(page, portal_server):
    page.goto(portal_server.flask("setup-link").stdout.strip())
    page.get_by_label("First name").fill("Ada")
    page.get_by_label("Surname").fill("Lovelace")
    page.get_by_label("Login").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("[name=repeat]").fill(PASSWORD)
    page.get_by_role("button", name="Create administrator").click()
    expect(page.locator("#number")).to_be_focused()

    page.keyboard.type("0361 30262-422")
    expect(page.locator("#preview-url")).to_contain_text("004936130262422")
    page.keyboard.press("Enter")

    expect(page.locator("[data-call-state=ended]")).to_contain_text("ringing")
    expect(page.get_by_text("Practice phone: nothing was sent.")).to_be_visible()
    expect(page.get_by_text("No calls yet")).to_have_count(0)


def test_it_works_without_scripts(chromium, portal_server):
    with chromium.new_context(base_url=portal_server.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(portal_server.flask("setup-link").stdout.strip())
        page.locator("[name=firstname]").fill("Ada")
        page.locator("[name=surname]").fill("Lovelace")
        page.locator("[name=login]").fill("ada")
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("[name=repeat]").fill(PASSWORD)
        page.get_by_role("button", name="Create administrator").click()

        page.locator("#number").fill("0361 30262-422")
        page.get_by_role("button", name="Show what will happen").click()
        expect(page.locator("#preview-url")).to_contain_text("004936130262422")
        page.get_by_role("button", name="Call", exact=True).click()

        expect(page.locator("[data-call-id]")).to_be_visible()
        assert "/calls/" in page.url


def test_language_and_theme_follow_their_switches(page, portal_server):
    page.goto("/login")

    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.locator("button[name=theme][value=dark]").click()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("html")).to_have_attribute("lang", "de")
