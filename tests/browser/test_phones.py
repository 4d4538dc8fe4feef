"""The live check of dial URLs, in a real browser."""

import pytest
from playwright.sync_api import expect

from portal import targets
from tests.support.people import ADA

ADMIN = "/admin/click2dial"


@pytest.fixture
def form(page, portal_server):
    """The page of the default phone, opened by an administrator."""
    portal_server.sign_in(page, portal_server.add(ADA))
    with portal_server.app.app_context():
        for host in ("pbx.example", "examplephonesystem.de"):
            targets.allow(host)
    page.goto(ADMIN)
    return page


def test_check_follows_the_typing_and_mends_a_wrong_variable(form):
    form.fill("#url", "https://pbx.example/?id=<#USRID#>&n=<#NUMBER#>")
    expect(form.get_by_text("Cannot be saved yet")).to_be_visible()

    form.get_by_role("button", name="Use USERID").click()

    expect(form.locator("#url")).to_have_value("https://pbx.example/?id=<#USERID#>&n=<#NUMBER#>")
    expect(form.get_by_text("Can be saved")).to_be_visible()
    expect(form.locator("#url-problem")).to_be_empty()


def test_check_follows_every_field_that_matters(form):
    form.fill("#url", "callto:<#NUMBER#>")
    expect(form.get_by_text("Cannot be saved yet")).to_be_visible()

    form.get_by_label("Client-side").check()
    form.get_by_label("Number format").select_option("international_00")

    expect(form.locator("#check .url-box")).to_have_text("callto:004936130262422")


def test_one_pause_is_one_check(form):
    checks = []
    form.on("request", lambda request: checks.append(request.url) if "check" in request.url else 0)

    form.locator("#url").press_sequentially("https://pbx.example/", delay=5)
    expect(form.get_by_text("Can be saved")).to_be_visible()

    assert len(checks) == 1


def test_click_on_a_variable_inserts_it_at_the_caret(form):
    form.fill("#url", "https://pbx.example/?n=&x=1")
    for _ in range(len("&x=1")):
        form.press("#url", "ArrowLeft")

    form.get_by_role("button", name="NUMBER", exact=True).click()

    expect(form.locator("#url")).to_have_value("https://pbx.example/?n=<#NUMBER#>&x=1")
    expect(form.locator("#check .url-box")).to_have_text("https://pbx.example/?n=036130262422&x=1")


def test_new_handler_is_checked_while_it_is_typed(form):
    form.goto(f"{ADMIN}/handlers/new")

    form.fill("#name", "anlage")
    form.fill("#url", "https://examplephonesystem.de/api/addcall.php?number=")

    expect(form.locator("#check .url-box")).to_have_text(
        "https://examplephonesystem.de/api/addcall.php?number=036130262422"
    )


def test_a_target_is_allowed_in_the_same_step(form):
    form.fill("#url", "https://closed.example:8443/?n=<#NUMBER#>")
    offer = form.get_by_label("Allow closed.example:8443 when saving")
    expect(offer).not_to_be_checked()

    offer.press("Space")
    expect(form.get_by_text("will be allowed")).to_be_visible()
    expect(offer).to_be_checked()
    expect(offer).to_be_focused()
    form.get_by_role("button", name="Save").click()

    expect(form.locator("#messages .alert-ok")).to_be_visible()
    form.goto(f"{ADMIN}/targets")
    expect(form.get_by_text("closed.example:8443", exact=True)).to_be_visible()
