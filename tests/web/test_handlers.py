"""Pages about CTI handlers."""

import pytest

from portal import handlers, phones, targets
from portal.handlers import HandlerDraft
from portal.phones import Draft

LIST = "/admin/click2dial/handlers"
URL = "https://pbx.example/call?number="
FORM = {"name": "anlage", "url": URL}


@pytest.fixture(autouse=True)
def _allowed(app):
    """What these pages have to do with is allowed; what is not has tests of its own."""
    with app.app_context():
        for host in ("pbx.example", "new.example"):
            targets.allow(host)


@pytest.fixture
def handler(app):
    """The id of the handler anlage."""
    with app.app_context():
        return handlers.create(HandlerDraft("anlage", URL)).id


@pytest.fixture
def used(app, alice, handler):
    """The id of a handler that a phone of Alice's uses."""
    with app.app_context():
        phones.create(alice.id, Draft("Desk", "anlage://<#NUMBER#>"))
    return handler


def _stored(app):
    with app.app_context():
        return [(listed.handler.name, listed.handler.url) for listed in handlers.overview()]


def test_empty_list_says_what_a_handler_is(ada):
    page = ada.client.get(LIST).text

    assert "No CTI handler yet" in page
    assert f"{LIST}/new" in page


def test_handler_is_added_and_listed(app, ada):
    answer = ada.client.submit(f"{LIST}/new", {"name": "Anlage://", "url": URL})

    assert (answer.status_code, answer.location) == (303, LIST)
    assert _stored(app) == [("anlage", URL)]
    assert "unused" in ada.client.get(LIST).text


def test_list_says_how_many_phones_use_a_handler(ada, used):
    assert "used by 1 phone" in ada.client.get(LIST).text


def test_refused_handler_keeps_what_was_entered(app, ada, handler):
    answer = ada.client.submit(
        f"{LIST}/new", {"name": "ANLAGE", "url": "https://other.example/?n="}
    )

    assert answer.status_code == 422
    assert "There is a handler “anlage://” already" in answer.text
    assert 'value="ANLAGE"' in answer.text
    assert "https://other.example/?n=" in answer.text
    assert _stored(app) == [("anlage", URL)]


def test_empty_form_is_refused_at_the_name(ada):
    answer = ada.client.submit(f"{LIST}/new", {})

    assert answer.status_code == 422
    assert "Give the handler a name" in answer.text


def test_handler_is_changed(app, ada, used):
    form = {**FORM, "url": "https://new.example/?n="}

    assert ada.client.submit(f"{LIST}/{used}", form).location == LIST

    assert _stored(app) == [("anlage", "https://new.example/?n=")]


def test_change_that_stops_phones_is_refused_with_their_names(app, ada, used):
    answer = ada.client.submit(f"{LIST}/{used}", {**FORM, "url": "callto:"})

    assert answer.status_code == 422
    assert "Desk (alice)" in answer.text
    assert _stored(app) == [("anlage", URL)]


def test_renaming_a_used_handler_is_refused(app, ada, used):
    answer = ada.client.submit(f"{LIST}/{used}", {**FORM, "name": "pbx"})

    assert answer.status_code == 422
    assert "must keep its name" in answer.text
    assert _stored(app) == [("anlage", URL)]


def test_deleting_says_first_which_phones_stop_working(app, ada, used):
    page = ada.client.get(f"{LIST}/{used}/delete").text
    assert "1 phone stops working" in page
    assert "Desk (alice)" in page
    assert _stored(app)

    assert ada.client.submit(f"{LIST}/{used}/delete").location == LIST
    assert _stored(app) == []


def test_unused_handler_is_deleted_without_a_warning(ada, handler):
    assert "No phone stops working" in ada.client.get(f"{LIST}/{handler}/delete").text


def test_handler_that_others_build_on_cannot_be_deleted(app, ada, handler):
    ada.client.submit(f"{LIST}/new", {"name": "second", "url": "anlage://"})

    answer = ada.client.submit(f"{LIST}/{handler}/delete")

    assert answer.status_code == 422
    assert "second://" in answer.text
    assert len(_stored(app)) == 2


def test_check_shows_what_a_number_becomes_by_way_of_the_handler(ada):
    answer = ada.client.submit(f"{LIST}/check", FORM, htmx=True)

    assert "anlage://" in answer.text
    assert "036130262422" in answer.text
    assert "Can be saved" in answer.text
    assert "<html" not in answer.text


def test_check_shows_the_url_of_a_wrong_handler_once(ada, used):
    refusals = ({**FORM, "name": "https"}, {**FORM, "name": "no name"}, {**FORM, "name": ""})

    for form in refusals:
        page = ada.client.submit(f"{LIST}/check?handler={used}", form, htmx=True).text
        assert "Cannot be saved yet" in page
        assert page.count(URL) == 1


def test_check_of_a_stored_handler_lets_it_keep_its_name(ada, handler):
    assert "Can be saved" in ada.client.submit(f"{LIST}/check?handler={handler}", FORM).text
    assert "Cannot be saved yet" in ada.client.submit(f"{LIST}/check", FORM).text


@pytest.mark.parametrize("path", ["", "/new", "/1", "/1/delete", "/check"])
def test_only_administrators_have_to_do_with_handlers(app, client, alice, handler, path):
    if path != "/check":
        assert alice.client.get(LIST + path).status_code == 403
        assert client.get(LIST + path).location.startswith("/login")
    if path:
        assert alice.client.submit(LIST + path, FORM).status_code == 403
    assert _stored(app) == [("anlage", URL)]


@pytest.mark.parametrize("path", ["/99", "/99/delete", f"/{'9' * 30}"])
def test_unknown_handler_is_not_found(ada, path):
    assert ada.client.get(LIST + path).status_code == 404
    assert ada.client.submit(LIST + path, FORM).status_code == 404


def test_check_ignores_an_id_that_is_none(ada):
    for handler in ("x", "9" * 30):
        answer = ada.client.submit(f"{LIST}/check?handler={handler}", FORM)
        assert "Can be saved" in answer.text


def test_form_without_csrf_token_changes_nothing(app, ada):
    assert ada.client.post(f"{LIST}/new", data=FORM).status_code == 400
    assert _stored(app) == []
