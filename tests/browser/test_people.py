"""Searching colleagues while typing."""

from playwright.sync_api import expect

from tests.support.people import ALICE, BOB


def test_search_while_typing_replaces_the_list_and_the_address(page, portal_server):
    portal_server.add(ALICE)
    portal_server.sign_in(page, portal_server.add(BOB))
    page.goto("/people")
    requests = []
    page.on("request", lambda request: requests.append(request.url) if "q=" in request.url else 0)

    page.get_by_role("searchbox").press_sequentially("alice")

    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("row", name="Alice")).to_be_visible()
    expect(page).to_have_url(f"{portal_server.url}/people?q=alice")
    expect(page.get_by_role("searchbox")).to_be_focused()
    assert len(requests) == 1

    page.go_back()

    expect(page.get_by_role("row")).to_have_count(3)


def test_search_works_without_scripts(page, portal_server):
    portal_server.add(ALICE)
    context = page.context.browser.new_context(
        base_url=portal_server.url, java_script_enabled=False, locale="en-GB"
    )
    scriptless = context.new_page()
    portal_server.sign_in(scriptless, portal_server.add(BOB))
    scriptless.goto("/people")

    scriptless.get_by_role("searchbox").fill("alice")
    scriptless.get_by_role("button", name="Search").click()

    expect(scriptless.get_by_role("row")).to_have_count(2)
    context.close()
