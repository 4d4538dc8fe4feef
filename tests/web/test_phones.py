"""Pages about phones: the default phone, schemes, the live check, and people's own phones."""

import pytest

from portal import handlers, phones, targets
from portal.dialing.template import OpenMode
from portal.extensions import db
from portal.handlers import HandlerDraft
from portal.models import User
from portal.phones import Draft

URL = "https://pbx.example/call?number=<#NUMBER#>"
SECRET_URL = "tel:<#NUMBER#>?p=<#CTI_PASS#>"
FORM = {
    "name": "Desk",
    "url": URL,
    "open_mode": "server",
    "number_format": "as_entered",
    "outside_prefix": "",
}
ADMIN = "/admin/click2dial"
OWN = "/settings/click2dial"


@pytest.fixture(autouse=True)
def _allowed(app):
    """What these pages have to do with is allowed; what is not has tests of its own."""
    with app.app_context():
        for host in ("pbx.example", "new.example"):
            targets.allow(host)


@pytest.fixture
def manager(app, alice):
    """Alice, who may set up phones of her own."""
    with app.app_context():
        db.session.get_one(User, alice.id).may_manage_phones = True
        db.session.commit()
    return alice


@pytest.fixture
def phone(app, alice):
    """The id of a phone of Alice's."""
    return _add(app, alice)


def _add(app, owner, url=URL, name="Desk", **others):
    with app.app_context():
        return phones.create(owner.id, Draft(name, url, **others)).id


def _stored(app, owner):
    with app.app_context():
        return [(phone.name, phone.url) for phone in phones.of_user(owner.id)]


def _default(app):
    with app.app_context():
        return phones.default()


# The default phone


def test_practice_phone_is_explained_until_a_default_phone_is_entered(ada):
    assert "The practice phone is active" in ada.client.get(ADMIN).text

    answer = ada.client.submit(ADMIN, FORM)

    assert (answer.status_code, answer.location) == (303, ADMIN)
    page = ada.client.get(ADMIN).text
    assert "The practice phone is active" not in page
    assert "https://pbx.example/call?number=&lt;#NUMBER#&gt;" in page


def test_all_fields_of_the_default_phone_are_kept(app, ada):
    form = {**FORM, "open_mode": "window", "number_format": "e164", "outside_prefix": "0"}

    ada.client.submit(ADMIN, {**form, "url": SECRET_URL, "secrets_allowed": "y"})

    phone = _default(app)
    assert (phone.name, phone.url, phone.outside_prefix) == ("Desk", SECRET_URL, "0")
    assert (phone.open_mode, phone.number_format) == ("window", "e164")
    assert phone.secrets_allowed


def test_server_side_callto_is_refused_and_nothing_entered_is_lost(app, ada):
    form = {**FORM, "url": "callto:<#NUMBER#>", "name": "Kept", "outside_prefix": "9"}

    answer = ada.client.submit(ADMIN, form)

    assert answer.status_code == 422
    assert "only the client" in answer.text
    for kept in ("callto:&lt;#NUMBER#&gt;", 'value="Kept"', 'value="9"'):
        assert kept in answer.text
    assert _default(app) is None


@pytest.mark.parametrize("field", ["open_mode", "number_format"])
def test_unknown_choice_is_refused(app, ada, field):
    assert ada.client.submit(ADMIN, {**FORM, field: "telepathy"}).status_code == 422
    assert _default(app) is None


def test_handlers_are_shown_beside_the_default_phone(app, ada):
    with app.app_context():
        handlers.create(HandlerDraft("anlage", "https://pbx.example/?n="))

    assert "anlage://" in ada.client.get(ADMIN).text


def test_practice_phone_is_used_again_only_after_a_question(app, ada):
    ada.client.submit(ADMIN, FORM)

    assert "Use the practice phone again?" in ada.client.get(f"{ADMIN}/practice").text
    assert _default(app)

    assert ada.client.submit(f"{ADMIN}/practice").status_code == 303
    assert _default(app) is None
    assert "no default phone" in ada.client.get(f"{ADMIN}/practice").text


@pytest.mark.parametrize("path", ["", "/practice", "/schemes"])
def test_only_administrators_see_and_change_what_concerns_everybody(client, alice, path):
    assert alice.client.get(ADMIN + path).status_code == 403
    assert alice.client.submit(ADMIN + path, FORM).status_code == 403
    assert client.get(ADMIN + path).location.startswith("/login")


def test_form_without_csrf_token_changes_nothing(app, ada):
    assert ada.client.post(ADMIN, data=FORM).status_code == 400
    assert _default(app) is None


# Schemes


def test_scheme_is_added_and_removed(ada):
    assert ada.client.submit(f"{ADMIN}/schemes", {"scheme": "MSTeams:"}).status_code == 303
    assert "msteams:" in ada.client.get(f"{ADMIN}/schemes").text

    assert ada.client.submit(f"{ADMIN}/schemes/msteams/delete").status_code == 303

    ada.client.get(f"{ADMIN}/schemes")  # takes the message away
    assert "msteams:" not in ada.client.get(f"{ADMIN}/schemes").text


def test_scheme_that_runs_code_is_refused_at_its_field(ada):
    answer = ada.client.submit(f"{ADMIN}/schemes", {"scheme": "javascript"})

    assert answer.status_code == 422
    assert 'value="javascript"' in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_scheme_in_use_is_not_removed(app, ada, alice):
    ada.client.submit(f"{ADMIN}/schemes", {"scheme": "msteams"})
    _add(app, alice, "msteams:<#NUMBER#>", "Teams", open_mode=OpenMode.CLIENT)

    answer = ada.client.submit(f"{ADMIN}/schemes/msteams/delete")

    page = ada.client.get(answer.location)
    assert "these phones would stop working: Teams (alice)" in page.text
    assert "Remove msteams" in page.text


def test_no_scheme_is_asked_for_one(ada):
    answer = ada.client.submit(f"{ADMIN}/schemes", {"scheme": " "})

    assert answer.status_code == 422
    assert "Enter a scheme, for example msteams." in answer.text


# The live check


def test_check_says_what_a_number_becomes(manager):
    answer = manager.client.submit("/phones/check", {**FORM, "outside_prefix": "0"}, htmx=True)

    assert answer.status_code == 200
    assert "Can be saved" in answer.text
    assert "0036130262422" in answer.text
    assert "<html" not in answer.text


def test_check_offers_the_right_name_of_a_variable(manager):
    form = {**FORM, "url": "https://pbx.example/?id=<#USRID#>"}

    answer = manager.client.submit("/phones/check", form, htmx=True)

    assert 'data-replace="&lt;#USRID#&gt;" data-replace-with="&lt;#USERID#&gt;"' in answer.text


def test_check_says_that_the_prefix_of_a_variable_is_not_needed(manager):
    form = {**FORM, "url": "https://pbx.example/?id=<#user.surname#>"}

    answer = manager.client.submit("/phones/check", form, htmx=True)

    assert "The prefix “user.” is not needed" in answer.text
    assert "&lt;#surname#&gt; means the same as &lt;#user.surname#&gt;." in answer.text


def test_check_never_shows_the_cti_password(app, ada):
    ada.client.submit("/settings/security", {"cti_user": "ada", "cti_pass": "canary-4711"})

    answer = ada.client.submit("/phones/check", {"url": "https://pbx.example/?p=<#CTI_PASS#>"})

    assert "•••" in answer.text
    assert "canary" not in answer.text


def test_check_takes_any_input(ada):
    for url in ("", "<#", "\ud7ff" * 5000, "https://[", "anlage://", "javascript:alert(1)"):
        form = {"url": url, "open_mode": "x", "number_format": "", "outside_prefix": "a" * 99}
        assert ada.client.submit("/phones/check", form, htmx=True).status_code == 200


def test_user_without_the_right_cannot_check(alice):
    assert alice.client.submit("/phones/check", FORM).status_code == 403


def test_page_shows_the_check_without_script(ada):
    ada.client.submit(ADMIN, FORM)

    assert "Our server opens" in ada.client.get(ADMIN).text


# Own phones


def test_user_with_the_right_adds_changes_and_deletes_a_phone(app, manager):
    assert manager.client.submit(f"{OWN}/phones/new", FORM).location == OWN
    assert _stored(app, manager) == [("Desk", URL)]

    with app.app_context():
        phone = phones.of_user(manager.id)[0].id
    manager.client.submit(f"{OWN}/phones/{phone}", {**FORM, "name": "Table"})
    assert _stored(app, manager) == [("Table", URL)]

    assert "Delete Table?" in manager.client.get(f"{OWN}/phones/{phone}/delete").text
    manager.client.submit(f"{OWN}/phones/{phone}/delete")
    assert _stored(app, manager) == []


def test_taken_name_is_refused_and_nothing_entered_is_lost(app, manager, phone):
    answer = manager.client.submit(
        f"{OWN}/phones/new", {**FORM, "url": "https://new.example/<#NUMBER#>"}
    )

    assert answer.status_code == 422
    assert "There is already a phone named “Desk”" in answer.text
    assert "https://new.example/&lt;#NUMBER#&gt;" in answer.text
    assert _stored(app, manager) == [("Desk", URL)]


def test_user_without_the_right_is_told_whom_to_ask(ada, alice):
    page = alice.client.get(OWN).text

    assert "Ask an administrator for it: Ada Lovelace." in page
    assert "/phones/new" not in page


def test_user_without_the_right_changes_no_phone(app, alice, phone):
    for path in ("new", f"{phone}", f"{phone}/delete"):
        assert alice.client.get(f"{OWN}/phones/{path}").status_code == 403
        assert alice.client.submit(f"{OWN}/phones/{path}", FORM).status_code == 403

    assert _stored(app, alice) == [("Desk", URL)]


def test_user_without_the_right_still_chooses_among_phones_set_up_for_them(app, alice, phone):
    assert alice.client.submit(OWN, {"phone": str(phone)}).status_code == 303

    with app.app_context():
        assert db.session.get_one(User, alice.id).preferred_phone_id == phone


def test_choice_goes_back_to_the_default_phone(app, alice, phone):
    alice.client.submit(OWN, {"phone": str(phone)})

    alice.client.submit(OWN, {"phone": "default"})

    with app.app_context():
        assert db.session.get_one(User, alice.id).preferred_phone_id is None


@pytest.mark.parametrize("choice", ["", "0", "x", "999"])
def test_choice_of_no_phone_is_refused(alice, phone, choice):
    assert alice.client.submit(OWN, {"phone": choice}).status_code == 422


def test_phone_of_somebody_else_is_neither_shown_nor_changed(app, bob, manager):
    theirs = _add(app, bob, name="Bob's phone")

    assert "Bob" not in manager.client.get(OWN).text
    for path in (f"{theirs}", f"{theirs}/delete", "999", "9" * 30):
        assert manager.client.get(f"{OWN}/phones/{path}").status_code == 404
        assert manager.client.submit(f"{OWN}/phones/{path}", FORM).status_code == 404
    assert manager.client.submit(OWN, {"phone": str(theirs)}).status_code == 422
    assert manager.client.submit(f"/phones/check?phone={theirs}", FORM).status_code == 404
    assert _stored(app, bob) == [("Bob's phone", URL)]


def test_only_administrators_let_secrets_into_browser_urls(app, manager):
    form = {**FORM, "url": SECRET_URL, "open_mode": "client", "secrets_allowed": "y"}

    answer = manager.client.submit(f"{OWN}/phones/new", form)

    assert answer.status_code == 422
    assert 'name="secrets_allowed"' not in answer.text
    assert _stored(app, manager) == []


def test_user_keeps_the_permission_for_secrets_while_the_url_stays(app, ada, manager):
    form = {**FORM, "url": SECRET_URL, "open_mode": "client"}
    ada.client.submit(
        f"/admin/users/{manager.id}/click2dial/phones/new", {**form, "secrets_allowed": "y"}
    )
    with app.app_context():
        phone = phones.of_user(manager.id)[0].id
    page = manager.client.get(f"{OWN}/phones/{phone}").text
    assert "An administrator has let secrets into this URL" in page
    assert f"/phones/check?phone={phone}" in page
    check = manager.client.submit(f"/phones/check?phone={phone}", form, htmx=True)
    assert "Can be saved" in check.text

    assert manager.client.submit(f"{OWN}/phones/{phone}", form).status_code == 303
    changed = {**form, "url": f"{SECRET_URL}&x=1"}
    assert manager.client.submit(f"{OWN}/phones/{phone}", changed).status_code == 422


def test_broken_phone_says_why(app, alice):
    with app.app_context():
        handler = handlers.create(HandlerDraft("anlage", "https://pbx.example/?n=")).id
    _add(app, alice, "anlage://<#NUMBER#>")
    with app.app_context():
        handlers.delete(handler)

    assert "There is no CTI handler “anlage://”" in alice.client.get(OWN).text


# For administrators


def test_administrator_manages_the_phones_of_a_user(app, ada, alice):
    tab = f"/admin/users/{alice.id}/click2dial"

    assert ada.client.submit(f"{tab}/phones/new", FORM).location == tab
    assert _stored(app, alice) == [("Desk", URL)]
    with app.app_context():
        phone = phones.of_user(alice.id)[0].id
    assert f"{tab}/phones/{phone}/delete" in ada.client.get(tab).text
    ada.client.submit(tab, {"phone": str(phone)})
    with app.app_context():
        assert db.session.get_one(User, alice.id).preferred_phone_id == phone
    assert "goes by way of" not in ada.client.get(f"{tab}/phones/{phone}/delete").text
    assert ada.client.submit(f"{tab}/phones/{phone}/delete").location == tab
    assert _stored(app, alice) == []


def test_user_does_not_reach_the_phones_of_others_through_the_administration(app, bob, manager):
    theirs = _add(app, bob)
    tab = f"/admin/users/{bob.id}/click2dial"

    for path in ("", "/phones/new", f"/phones/{theirs}", f"/phones/{theirs}/delete"):
        assert manager.client.get(tab + path).status_code == 403
        assert manager.client.submit(tab + path, FORM).status_code == 403


def test_phone_belongs_to_the_user_of_the_address(app, ada, alice, bob):
    theirs = _add(app, bob)

    answer = ada.client.get(f"/admin/users/{alice.id}/click2dial/phones/{theirs}")

    assert answer.status_code == 404


def test_unknown_user_has_no_tab(ada):
    assert ada.client.get("/admin/users/999/click2dial").status_code == 404


def test_visitor_is_sent_to_sign_in(client):
    for path in (OWN, f"{OWN}/phones/new", "/admin/users/1/click2dial"):
        assert client.get(path).location.startswith("/login")
