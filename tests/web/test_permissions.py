"""The page of the dial permissions, and what the dial page does with them."""

import html
import re

import pytest
from sqlalchemy import select

from portal import accounts, permissions, phones
from portal.dialing.number_class import NumberClass
from portal.dialing.permission import DEFAULTS, Permission, Rules
from portal.dialing.template import OpenMode
from portal.extensions import db
from portal.models import Call, Role
from portal.phones import Draft
from tests.support.databases import on_sqlite
from tests.support.people import let_confirmations_lapse

PAGE = "/admin/click2dial/permissions"
ABROAD, CANONICAL, TOKEN = "+43 1 234567", "+431234567", "click-0123456789"


@pytest.fixture(autouse=True)
def _phone(app):
    with app.app_context():
        phones.save_default(Draft("Desk phones", "callto:<#NUMBER#>", OpenMode.CLIENT))


@pytest.fixture
def made(app):
    """Counts the calls that were made."""

    def count():
        with app.app_context():
            return len(db.session.scalars(select(Call.id)).all())

    return count


@pytest.fixture
def standing(app):
    """Reads what holds."""

    def read():
        with app.app_context():
            return permissions.standing()

    return read


def _choices(**changes):
    choices = {f"{role}.{name}": word.value for role in Role for name, word in DEFAULTS.items()}
    return {**choices, **{key.replace("_", ".", 1): word for key, word in changes.items()}}


def _checked(page, name):
    return re.search(rf'name="{re.escape(name)}" value="(\w+)" checked', page)[1]


def _dial(person, number=ABROAD, *, htmx=True, **others):
    data = {"number": number, "phone": "default", "click_token": TOKEN, **others}
    return person.client.submit("/dial", data, htmx=htmx)


def _hidden_fields(page):
    form = page[page.index('id="confirm-call"') :]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


# The administrator's page


def test_page_shows_what_holds(ada):
    page = ada.client.get(PAGE).text

    assert _checked(page, "user.premium") == "refuse"
    assert _checked(page, "user.international") == "confirm"
    assert _checked(page, "admin.mobile") == "allow"


def test_what_is_chosen_is_saved(ada, standing):
    answer = ada.client.submit(PAGE, _choices(user_premium="confirm", admin_emergency="allow"))

    assert answer.status_code == 303
    rules = standing().rules
    assert rules[Role.USER].classes[NumberClass.PREMIUM] is Permission.CONFIRM
    assert rules[Role.ADMIN].classes[NumberClass.EMERGENCY] is Permission.ALLOW
    assert rules[Role.ADMIN].classes[NumberClass.PREMIUM] is Permission.REFUSE


def test_a_country_is_added_changed_and_taken_away(ada, standing):
    ada.client.submit(PAGE, {**_choices(), "country": "AT", "country_permission": "allow"})
    assert standing().rules[Role.USER].countries == {"AT": Permission.ALLOW}
    assert _checked(ada.client.get(PAGE).text, "user.AT") == "allow"

    changed = {"user.AT": "refuse", "admin.AT": "abroad"}
    ada.client.submit(PAGE, {**_choices(), **changed})
    assert standing().rules[Role.USER].countries == {"AT": Permission.REFUSE}
    assert standing().rules[Role.ADMIN].countries == {}

    gone = {"user.AT": "abroad", "admin.AT": "abroad"}
    ada.client.submit(PAGE, {**_choices(), **gone})
    assert standing().rules == {Role.USER: Rules(), Role.ADMIN: Rules()}


@pytest.mark.parametrize(
    "wrong",
    [{"user.premium": "perhaps"}, {"country": "XX", "country_permission": "allow"}],
)
def test_wrong_choices_are_refused_in_words(ada, standing, wrong):
    answer = ada.client.submit(PAGE, {**_choices(), **wrong})

    assert answer.status_code == 422
    assert "Choose" in answer.text
    assert standing().rules[Role.USER] == Rules()


def test_a_choice_left_out_is_refused(ada, standing):
    choices = _choices()
    del choices["user.national"]

    assert ada.client.submit(PAGE, choices).status_code == 422
    assert standing().rules[Role.USER] == Rules()


def test_choices_are_kept_while_the_password_is_asked_for(app, ada, standing):
    ada.client.get(PAGE)
    let_confirmations_lapse(app)

    answer = ada.client.submit(PAGE, _choices(user_premium="confirm"))

    assert answer.status_code == 422
    assert _checked(answer.text, "user.premium") == "confirm"
    assert standing().rules[Role.USER] == Rules()


def test_a_number_is_tried_with_choices_that_are_not_saved_yet(ada, standing):
    choices = _choices(user_premium="allow")

    page = ada.client.submit(f"{PAGE}/try", {**choices, "number": "0900 123456"}, htmx=True).text

    text = " ".join(re.sub("<[^>]+>", " ", page).split())
    assert "Users allow Administrators refuse" in text
    assert "Premium rate +49900123456" in text
    assert standing().rules[Role.USER] == Rules()


def test_what_is_no_number_is_tried_in_words(ada):
    page = ada.client.submit(f"{PAGE}/try", {**_choices(), "number": "abc"}, htmx=True).text

    assert "is a letter" in page


def test_a_number_is_tried_without_scripts(ada):
    page = ada.client.get(PAGE, query_string={"number": ABROAD}).text

    assert re.search(r"Abroad</strong>, Austria <code>\+431234567</code>", page)


# The switch


def test_all_dialling_is_stopped_and_everybody_sees_it(ada, alice, standing, made):
    ada.client.submit("/admin/click2dial/dialling/stop", {"reason": "Fraud is going on"})

    assert standing().stop.by == "Ada Lovelace"
    for person, path in ((alice, "/"), (alice, "/calls"), (ada, PAGE), (ada, "/admin/users")):
        page = person.client.get(path).text
        assert 'id="dialling-stopped"' in page
        assert "Fraud is going on" in page
    answer = _dial(alice, "201")
    assert (answer.status_code, made()) == (403, 0)
    assert "All dialling is stopped." in answer.text


def test_dialling_goes_on(ada, alice, made):
    ada.client.submit("/admin/click2dial/dialling/stop")
    ada.client.submit("/admin/click2dial/dialling/start")

    assert 'id="dialling-stopped"' not in alice.client.get("/").text
    assert _dial(alice, "201").status_code == 200
    assert made() == 1


@on_sqlite
def test_the_status_page_says_that_dialling_is_stopped(ada):
    ada.client.submit("/admin/click2dial/dialling/stop")

    assert "All dialling is stopped. Let it go on" in ada.client.get("/admin/status").text


# The dial page


def test_preview_says_that_a_call_abroad_will_be_asked(alice):
    page = alice.client.submit("/dial/preview", {"number": ABROAD, "phone": "default"}, htmx=True)

    assert 'id="preview-question" data-number-class="international"' in page.text
    assert "Abroad: Austria." in page.text
    assert "preview-problem" not in page.text


def test_preview_says_why_a_number_is_refused_and_whom_to_ask(alice, ada):
    data = {"number": "0900 123456", "phone": "default"}

    page = alice.client.submit("/dial/preview", data, htmx=True).text
    for_ada = ada.client.submit("/dial/preview", data, htmx=True).text

    assert 'id="preview-problem" data-error-kind="class-refused"' in page
    assert "This is a premium-rate number." in page
    assert "Ask Ada Lovelace if you need it." in page
    assert f'href="{PAGE}"' in for_ada


@on_sqlite
def test_preview_speaks_german_about_it(app, alice):
    with app.app_context():
        accounts.change_preferences(alice.id, language="de")
        permissions.save(
            {Role.USER: Rules(countries={"AT": Permission.REFUSE}), Role.ADMIN: Rules()}
        )

    page = alice.client.submit("/dial/preview", {"number": ABROAD, "phone": "default"}, htmx=True)

    assert "In dieses Land dürfen Sie von hier aus nicht anrufen: Österreich." in page.text


def test_an_emergency_number_is_to_be_dialled_on_the_phone(alice, made):
    page = alice.client.get("/dial?number=112").text

    assert re.search(r'<p class="emergency">.*Dial 112 on your phone</p>', page, re.DOTALL)
    assert _dial(alice, "112").status_code == 403
    assert made() == 0


@pytest.mark.parametrize("htmx", [True, False])
def test_a_call_abroad_asks_once_and_its_answer_calls_once(alice, made, htmx):
    asked = _dial(alice, htmx=htmx)

    assert (asked.status_code, made()) == (409, 0)
    assert "Abroad: Austria" in asked.text
    fields = _hidden_fields(asked.text)
    assert (fields["number"], fields["confirmed"], fields["click_token"]) == (
        html.unescape(CANONICAL),
        CANONICAL,
        TOKEN,
    )
    del fields["csrf_token"]
    for _click in range(2):
        answer = alice.client.submit("/dial", fields, htmx=htmx)
        assert answer.status_code == (200 if htmx else 303)
    assert made() == 1


@pytest.mark.parametrize("confirmed", ["", "1", "+431234568", ABROAD])
def test_only_the_very_number_confirms(alice, made, confirmed):
    assert _dial(alice, confirmed=confirmed).status_code == 409
    assert made() == 0


@pytest.mark.parametrize("path", ["/dial", "/"])
def test_an_address_never_calls_by_itself(alice, made, path):
    query = {"number": ABROAD, "phone": "default", "click_token": TOKEN, "confirmed": CANONICAL}

    assert alice.client.get(path, query_string=query).status_code == 200
    assert alice.client.get(path, query_string={**query, "number": "201"}).status_code == 200
    assert made() == 0
