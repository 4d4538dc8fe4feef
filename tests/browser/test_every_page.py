"""Every page, in both languages and themes: accessible, and no wider than a telephone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

from portal import accounts, handlers, permissions, phones, targets
from portal.dialing.permission import Permission, Rules
from portal.dialing.template import OpenMode
from portal.extensions import db
from portal.handlers import HandlerDraft
from portal.models import Call, CallState, Role, UserSession
from portal.phones import Draft
from tests.support import people
from tests.support.people import Person
from tests.support.server import PortalServer
from tests.support.targets import failing_system

WCAG = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],
}
NO_PAGES = {"static", "health.show", "calls.export", "api.describe", "api.session", "api.show"}
OUTCOMES = {CallState.FAILED: "connection-refused", CallState.UNKNOWN: "lost"}
LANGUAGES = ("de", "en")
THEMES = ("light", "dark")
PHONE = ViewportSize(width=360, height=740)
DESK = ViewportSize(width=1280, height=900)


def furnish(server: PortalServer, ada: Person) -> dict[str, str]:
    """Fill a portal with something of everything and return a sample for each place in a route."""
    alice = server.add(people.ALICE)
    server.add(people.BOB)
    with server.app.app_context():
        target = targets.allow("pbx.example", reason="Phone system of the head office", by=ada.id)
        handler = handlers.create(HandlerDraft("anlage", "https://pbx.example/call?number="))
        phones.save_default(Draft(name="Desk phones", url="anlage://<#NUMBER#>&p=<#CTI_PASS#>"))
        own = Draft(name="My headset", url="callto:<#NUMBER#>", open_mode=OpenMode.CLIENT)
        phone = phones.create(ada.id, own)
        phones.create(alice.id, Draft(name="Kitchen", url="https://pbx.example/<#NUMBER#>"))
        accounts.change_cti(ada.id, cti_user="ada", cti_pass="secret", cti_phone="192.0.2.1")
        db.session.add(failing_system("pbx.example:443", paused=True))
        db.session.add(failing_system("pbx.branch-office.example:8443", paused=False))
        permissions.save({role: Rules(countries={"AT": Permission.CONFIRM}) for role in Role})
        permissions.stop("The phone system is being changed until 3 pm.")
        calls = [_call(ada.id, state) for state in CallState]
        db.session.add_all(calls)
        session = UserSession(user_id=ada.id, token_hash="another browser")
        db.session.add(session)
        db.session.commit()
        return {
            "<int:user_id>": str(ada.id),
            "<int:phone_id>": str(phone.id),
            "<int:handler_id>": str(handler.id),
            "<int:target_id>": str(target.id),
            "<int:session_id>": str(session.id),
            "<call_id>": calls[-1].id,
        }


def _call(user_id: int, state: CallState) -> Call:
    return Call(
        user_id=user_id,
        click_token=state.value,
        number="+4936130262422",
        phone_name="Desk phones",
        connector="http",
        open_mode=OpenMode.SERVER,
        masked_url="https://pbx.example/call?number=%2B4936130262422&p=•••",
        state=state,
        outcome=OUTCOMES.get(state, ""),
    )


def paths(server: PortalServer, samples: dict[str, str]) -> list[str]:
    """Return the address of every page that can be opened."""
    found = []
    for rule in server.app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint not in NO_PAGES:
            path = str(rule)
            for place, sample in samples.items():
                path = path.replace(place, sample)
            found.append(path)
    full = ["/dial?number=%2B49 361 30262422", "/dial?number=1e", "/people?text=nobody", "/nowhere"]
    full += ["/dial?number=112", "/dial?number=%2B43 1 234567"]
    full += ["/admin/click2dial/permissions?number=0018055512345"]
    return sorted(found) + full


def complaints(page: Page, path: str, language: str) -> list[str]:
    """Return what is wrong with a page, on a telephone and on a desk.

    Axe looks at one of the two for each language; so it sees both sizes in both themes.
    """
    found = []
    for size, looked_at_in in ((PHONE, "de"), (DESK, "en")):
        page.set_viewport_size(size)
        answer = page.goto(path)
        if answer is None or answer.status >= 500:
            found.append("the server failed")
        if page.locator("html").get_attribute("lang") != language:
            found.append("wrong language")
        width = page.evaluate("() => document.documentElement.scrollWidth")
        if width > size["width"]:
            found.append(f"{width} pixels wide on {size['width']}")
        if language == looked_at_in:
            found += violations(page)
    return found


def violations(page: Page) -> list[str]:
    """Return the rules of WCAG that a page breaks, and where."""
    return [
        f"{rule['id']}: {rule['help']}: {[node['target'] for node in rule['nodes']]}"
        for rule in Axe().run(page, options=WCAG).response["violations"]
    ]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_accessible_and_fits(page, portal_server, language, theme):
    ada = portal_server.add({**people.ADA, "language": language, "theme": theme})
    samples = furnish(portal_server, ada)
    portal_server.sign_in(page, ada)
    people.let_confirmations_lapse(portal_server.app)  # then forms also ask for the password

    found = {path: complaints(page, path, language) for path in paths(portal_server, samples)}

    assert {path: complaint for path, complaint in found.items() if complaint} == {}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_for_visitors_is_accessible_and_fits(page, portal_server, language, theme):
    for name, value in (("language", language), ("theme", theme)):
        page.context.add_cookies([{"name": name, "value": value, "url": portal_server.url}])
    link = portal_server.flask("setup-link").stdout.strip()

    found = {
        path: complaints(page, path, language) for path in ("/login", "/setup", link, "/nowhere")
    }

    assert {path: complaint for path, complaint in found.items() if complaint} == {}
