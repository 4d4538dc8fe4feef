"""The dial page: what it shows before a call, and what a click does."""

import html
import re

import pytest
from sqlalchemy import event, select

from portal import accounts, handlers, phones, targets
from portal.dialing.dispatch import Capacity, Dispatcher
from portal.dialing.template import MASK, OpenMode
from portal.extensions import db
from portal.handlers import HandlerDraft
from portal.models import Call, CallState, User
from portal.phones import Draft
from tests.support.processes import free_port, wait_for
from tests.support.targets import allow_target_of

NUMBER = "+49 (0)361 30262-422"
TOKEN = "click-0123456789"
CANARY = "canary-9b2c"


@pytest.fixture(autouse=True)
def _allowed(app):
    """The phone system of these pages is allowed."""
    with app.app_context():
        targets.allow("pbx.example")


@pytest.fixture
def default_phone(app):
    """Enters the default phone."""

    def enter(url, **others):
        with app.app_context():
            allow_target_of(url)
            phones.save_default(Draft("Desk phones", url, **others))

    return enter


@pytest.fixture
def made(app):
    """Reads the calls that were made."""

    def read():
        with app.app_context():
            return db.session.scalars(select(Call).order_by(Call.created_at)).all()

    return read


def _preview(person, number=NUMBER, phone="default", **others):
    data = {"number": number, "phone": phone}
    return person.client.submit("/dial/preview", data, htmx=True, **others)


def _dial(person, number=NUMBER, phone="default", token=TOKEN, *, htmx=True):
    data = {"number": number, "phone": phone, "click_token": token}
    return person.client.submit("/dial", data, htmx=htmx)


def _text_of(page, element_id):
    """Return what a browser shows of an element without inner elements of its own kind."""
    found = re.search(rf'<p[^>]* id="{element_id}"[^>]*>(.*?)</p>', page, re.DOTALL)
    return found and html.unescape(re.sub("<[^>]+>", "", found[1]))


def _problem(page):
    found = re.search('id="preview-problem" data-error-kind="([^"]+)"', page)
    return found and found[1]


# What would happen


def test_preview_shows_the_url_with_each_value_named_and_secrets_masked(app, alice, default_phone):
    default_phone("https://pbx.example/?u=<#CTI_USER#>&p=<#CTI_PASS#>&n=<#NUMBER#>")
    with app.app_context():
        accounts.change_cti(alice.id, cti_user="al", cti_pass=CANARY, cti_phone="")

    page = _preview(alice).text

    shown = f"https://pbx.example/?u=al&p={MASK}&n=%2B4936130262422"
    assert _text_of(page, "preview-url") == shown
    assert '<span class="var var-cti" title="CTI_USER">al</span>' in page
    assert f'<span class="var var-secret" title="CTI_PASS">{MASK}</span>' in page
    assert "Can be dialled" in page
    assert "Our server will open" in page
    assert _problem(page) is None
    assert CANARY not in page


def test_preview_shows_the_way_of_the_number_and_of_the_handler(app, alice, default_phone):
    with app.app_context():
        handlers.create(HandlerDraft("anlage", "https://pbx.example/addcall?number="))
    default_phone("anlage://<#NUMBER#>", number_format="international_00")

    page = _preview(alice).text

    assert _text_of(page, "preview-url") == "https://pbx.example/addcall?number=004936130262422"
    assert "<code>+4936130262422</code> is dialled as <code>004936130262422</code>" in page
    assert "CTI handler <code>anlage://</code>" in page
    assert "Recognised as <strong>+49 361 30262422</strong> · landline, Germany" in page


def test_preview_speaks_german(app, alice, default_phone):
    default_phone("https://pbx.example/<#NUMBER#>")
    with app.app_context():
        accounts.change_preferences(alice.id, language="de")

    assert "Deutschland" in _preview(alice).text


@pytest.mark.parametrize(
    ("mode", "url", "sentence"),
    [
        (OpenMode.SERVER, "https://pbx.example/<#NUMBER#>", "Our server will open:"),
        (OpenMode.CLIENT, "callto:<#NUMBER#>", "Your browser will open:"),
        (OpenMode.CLIENT, "https://pbx.example/<#NUMBER#>", "will leave this page and open:"),
        (OpenMode.WINDOW, "https://pbx.example/<#NUMBER#>", "will open in a new window:"),
    ],
)
def test_preview_says_who_opens_the_url(alice, default_phone, mode, url, sentence):
    default_phone(url, open_mode=mode)

    assert sentence in _preview(alice).text


def test_preview_says_all_that_is_missing_and_where_to_fill_it_in(bob, default_phone):
    default_phone("https://pbx.example/<#CTI_USER#>?m=<#mobile#>&n=<#NUMBER#>")

    page = _preview(bob).text

    assert _problem(page) == "missing-value"
    assert "Missing: CTI user of the caller (CTI_USER)." in page
    assert "Missing: Mobile number of the caller (mobile)." in page
    assert 'href="/settings/security"' in page
    assert 'href="/settings/profile"' in page
    assert '<span class="var var-missing">&lt;#CTI_USER#&gt;</span>' in page
    assert "Cannot be dialled" in page
    assert _text_of(page, "preview-url") is None


@pytest.mark.parametrize(
    ("number", "kind"), [("", "empty"), ("0361 Kaiser", "letters"), ("1" * 300, "too-long")]
)
def test_preview_says_what_is_wrong_with_a_number(alice, number, kind):
    response = _preview(alice, number)

    assert response.status_code == 200
    assert _problem(response.text) == kind


def test_preview_without_a_number_shows_the_way_with_places(alice, default_phone):
    default_phone("https://pbx.example/<#NUMBER#>")

    page = _preview(alice, "").text

    assert '<span class="var var-number">&lt;#NUMBER#&gt;</span>' in page
    assert "No number yet" in page


def test_preview_of_the_practice_phone_says_that_nothing_is_sent(alice):
    page = _preview(alice).text

    assert "Our server would open, but does not send:" in page
    assert "Practice phone" in page


def test_preview_reads_three_rows_and_writes_nothing(app, alice, default_phone):
    default_phone("https://pbx.example/<#NUMBER#>")
    _preview(alice)
    lookups, other_statements = [], []
    with app.app_context():
        engine = db.engine
    event.listen(engine, "checkout", lambda *call: lookups.append(call))
    event.listen(engine, "before_cursor_execute", lambda *call: other_statements.append(call))

    _preview(alice)

    assert (len(lookups), other_statements) == (3, [])


def test_another_persons_phone_has_no_preview(app, alice, bob):
    with app.app_context():
        phone = phones.create(bob.id, Draft("Bob's", "https://pbx.example/<#NUMBER#>"))
        key = str(phone.id)

    assert _preview(alice, phone=key).status_code == 404


def test_preview_needs_a_csrf_token_and_a_signed_in_user(alice, client):
    assert alice.client.post("/dial/preview", data={"number": "201"}).status_code == 400
    assert client.submit("/dial/preview", {"number": "201"}).status_code == 303


# The page


@pytest.mark.parametrize("path", ["/", "/dial"])
def test_page_is_ready_for_a_number(alice, path):
    page = alice.client.get(path).text

    assert re.search(r'<input class="input input-xl"[^>]* autofocus', page)
    assert 'name="click_token"' in page
    assert "No calls yet" in page


def test_page_filled_in_by_its_address_shows_the_preview_and_calls_nobody(
    app, alice, default_phone, made
):
    default_phone("https://pbx.example/<#NUMBER#>")
    with app.app_context():
        own = phones.create(alice.id, Draft("Mine", "tel:<#NUMBER#>", open_mode=OpenMode.CLIENT))
        key = str(own.id)

    page = alice.client.get("/dial", query_string={"number": NUMBER, "phone": key}).text

    assert f'value="{NUMBER}"' in page
    assert f'<option value="{key}" selected>Mine</option>' in page
    assert _text_of(page, "preview-url") == "tel:+4936130262422"
    assert made() == []


def test_every_page_has_a_click_token_of_its_own(alice):
    tokens = {
        re.search('name="click_token" value="([^"]+)"', alice.client.get("/").text)[1]
        for _ in range(3)
    }

    assert len(tokens) == 3


def test_preferred_phone_is_chosen_and_the_page_says_why(app, alice, default_phone):
    default_phone("https://pbx.example/<#NUMBER#>")
    assert "Set by your administrator for everybody." in alice.client.get("/").text
    with app.app_context():
        own = phones.create(alice.id, Draft("Mine", "tel:<#NUMBER#>", open_mode=OpenMode.CLIENT))
        key = str(own.id)
        phones.prefer(alice.id, own.id)

    page = alice.client.get("/").text

    assert f'<option value="{key}" selected>' in page
    assert "Your own choice." in page
    assert "Only for this call." in _preview(alice).text


def test_only_administrators_are_sent_to_enter_the_phone_system(ada, alice):
    assert 'href="/admin/click2dial">Enter your phone system' in ada.client.get("/").text
    assert "Enter your phone system" not in alice.client.get("/").text


def test_number_in_the_address_is_shown_as_text(alice):
    page = alice.client.get("/dial", query_string={"number": '"><script>alert(1)</script>'}).text

    assert "<script>alert" not in page


# A click


def test_a_call_is_answered_at_once_with_its_card(alice, default_phone, phone_system, made):
    phone_system.expect_oneshot_request("/call").respond_with_data("ok")
    default_phone(phone_system.url_for("/call?n=<#NUMBER#>"))

    response = _dial(alice)

    call = made()[0]
    assert response.status_code == 200
    assert f'data-call-id="{call.id}" data-call-state="new"' in response.text
    assert f'hx-get="/calls/{call.id}?seen=new&amp;pace=1" hx-trigger="every 1s"' in response.text
    wait_for(lambda: made()[0].state is CallState.ACCEPTED, "the answer of the phone system")
    card = alice.client.get(f"/calls/{call.id}", htmx=True).text
    assert 'data-call-state="accepted"' in card
    assert "Accepted by the phone system." in card
    assert "hx-trigger" not in card


def test_the_answer_brings_the_mark_for_the_next_click(alice, default_phone):
    default_phone("callto:<#NUMBER#>", open_mode=OpenMode.CLIENT)

    page = _dial(alice).text

    fresh = re.search('id="click-token" name="click_token" value="([^"]+)"', page)[1]
    assert fresh != TOKEN
    assert "data-open-url" in _dial(alice, "201", token=fresh).text


@pytest.mark.parametrize(
    ("mode", "url"), [(OpenMode.CLIENT, "callto:{}"), (OpenMode.WINDOW, "https://pbx.example/{}")]
)
def test_the_browser_is_told_once_what_to_open(alice, default_phone, made, mode, url):
    default_phone(url.format("<#NUMBER#>"), open_mode=mode)

    first, second = _dial(alice, "201"), _dial(alice, "201")

    opened = f'data-open-url="{url.format("201")}" data-open-mode="{mode}"'
    assert opened in first.text
    assert "data-open-url" not in second.text
    assert "It was not called a second time." in second.text
    card = alice.client.get(f"/calls/{made()[0].id}", htmx=True).text
    assert "data-open-url" not in card
    assert f'href="{url.format("201")}"' in card
    assert "hx-trigger" not in card
    assert len(made()) == 1


def test_without_scripts_a_call_leads_to_its_page_with_the_link(alice, default_phone, made):
    default_phone("callto:<#NUMBER#>", open_mode=OpenMode.CLIENT)

    response = _dial(alice, "201", htmx=False)

    assert (response.status_code, response.location) == (303, f"/calls/{made()[0].id}")
    assert 'href="callto:201"' in alice.client.get(response.location).text


def test_without_scripts_a_url_with_secrets_is_in_this_one_answer_only(
    app, alice, default_phone, made
):
    default_phone("sip:<#NUMBER#>?p=<#CTI_PASS#>", open_mode=OpenMode.CLIENT, secrets_allowed=True)
    with app.app_context():
        accounts.change_cti(alice.id, cti_user="", cti_pass=CANARY, cti_phone="")

    response = _dial(alice, "201", htmx=False)

    assert f'href="sip:201?p={CANARY}"' in response.text
    assert CANARY not in alice.client.get(f"/calls/{made()[0].id}").text
    assert CANARY not in _dial(alice, "201", htmx=False).text


def test_without_scripts_the_preview_is_a_page(alice):
    data = {"number": "201", "phone": "default", "check": "1"}

    response = alice.client.submit("/dial", data)

    assert response.status_code == 303
    page = alice.client.get(response.location).text
    assert _text_of(page, "preview-url").endswith("number=201")


@pytest.mark.parametrize("htmx", [True, False])
def test_what_cannot_be_called_is_refused_in_words(bob, default_phone, made, htmx):
    default_phone("https://pbx.example/<#CTI_USER#>?n=<#NUMBER#>")

    response = _dial(bob, htmx=htmx)

    assert response.status_code == 422
    assert "Missing: CTI user of the caller (CTI_USER)." in response.text
    assert made() == []


def test_a_refused_form_keeps_the_number(alice):
    page = _dial(alice, "0361 Kaiser", htmx=False).text

    assert 'value="0361 Kaiser"' in page
    assert _problem(page) == "letters"


@pytest.mark.parametrize("htmx", [True, False])
def test_a_page_that_is_out_of_date_is_refused_in_words(alice, made, htmx):
    response = _dial(alice, token="", htmx=htmx)

    assert response.status_code == 422
    assert "This page is out of date." in response.text
    assert made() == []


@pytest.mark.parametrize("htmx", [True, False])
def test_who_may_not_dial_is_refused(app, alice, default_phone, made, htmx):
    default_phone("callto:<#NUMBER#>", open_mode=OpenMode.CLIENT)
    with app.app_context():
        db.session.get_one(User, alice.id).may_dial = False
        db.session.commit()

    response = _dial(alice, htmx=htmx)

    assert response.status_code == 403
    assert "You do not have the right to call from here." in response.text
    assert made() == []


def test_a_used_click_with_another_number_is_a_conflict(alice, default_phone, made):
    default_phone("callto:<#NUMBER#>", open_mode=OpenMode.CLIENT)
    _dial(alice, "201")

    response = _dial(alice, "202")

    assert response.status_code == 409
    assert "This click has already called another number." in response.text
    assert len(made()) == 1


def test_when_the_portal_is_busy_the_card_says_so(app, alice, default_phone, made):
    default_phone(f"http://127.0.0.1:{free_port()}/<#NUMBER#>")
    full = Dispatcher(Capacity(workers=0, per_target=1, room=0, patience=1))
    app.extensions["dispatchers"] = {"http": full}

    response = _dial(alice)

    assert response.status_code == 503
    assert "The portal is busy with other calls. Nothing was sent." in response.text
    assert 'data-call-state="failed"' in response.text
    assert made()[0].outcome == "busy"


def test_another_persons_phone_cannot_be_called_with(app, alice, bob, made):
    with app.app_context():
        phone = phones.create(bob.id, Draft("Bob's", "https://pbx.example/<#NUMBER#>"))
        key = str(phone.id)

    assert _dial(alice, phone=key).status_code == 404
    assert made() == []


def test_a_click_needs_a_csrf_token_and_a_signed_in_user(alice, client, made):
    data = {"number": "201", "phone": "default", "click_token": TOKEN}

    assert alice.client.post("/dial", data=data).status_code == 400
    assert client.submit("/dial", data).status_code == 303
    assert made() == []


def test_recent_calls_can_be_dialled_again(alice, default_phone):
    default_phone("callto:<#NUMBER#>", open_mode=OpenMode.CLIENT)
    for number in range(201, 208):
        _dial(alice, str(number), token=f"click-0123456-{number}")

    page = alice.client.get("/").text

    assert re.findall('aria-label="Dial ([0-9]+) again"', page) == [
        "207",
        "206",
        "205",
        "204",
        "203",
    ]
    assert 'href="/dial?number=207"' in page
