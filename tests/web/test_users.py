"""Users: who may sign in, and what they may do."""

import html

import pytest

from portal import accounts
from portal.models import Role
from tests.support.people import PASSWORD

NEW = {
    "login": "carol",
    "firstname": "Carol",
    "surname": "Ćurić",
    "email": "carol@example.org",
    "phone": "201",
    "department": "Sales",
    "position": "Agent",
    "password": PASSWORD,
    "role": "user",
    "may_dial": "y",
}


def find(app, text):
    with app.app_context():
        return accounts.search(text).items


def signs_in(client, login, password=PASSWORD):
    return client.submit("/login", {"login": login, "password": password}).status_code == 303


def test_users_are_listed_with_role_rights_and_state(app, ada, alice, bob):
    with app.app_context():
        accounts.disable(bob.id, by=ada.id)

    page = ada.client.get("/admin/users").text

    for shown in ("Ada Lovelace", "Administrator", "Alice", "May call", "Disabled", "Active"):
        assert shown in page
    assert f'href="/admin/users/{alice.id}"' in page


def test_search_shows_who_matches(ada, alice, bob):
    page = ada.client.get("/admin/users?q=build", htmx=True).text

    assert "Bob Builder" in page
    assert "Alice" not in page
    assert "<html" not in page


def test_search_without_hit_says_so_and_leads_back(ada):
    page = ada.client.get("/admin/users", query_string={"q": "<x>"}).text

    assert "Nobody found" in page
    assert "&lt;x&gt;" in page


def test_first_administrator_is_invited_to_add_colleagues(ada):
    assert "Only you so far" in ada.client.get("/admin/users").text


def test_user_is_created_and_can_sign_in(app, ada, client):
    answer = ada.client.submit("/admin/users/new", NEW)

    (user,) = find(app, "carol")
    assert (answer.status_code, answer.location) == (303, f"/admin/users/{user.id}")
    assert "Carol Ćurić can sign in now." in ada.client.get(answer.location).text
    assert (user.role, user.may_dial, user.may_manage_phones) == (Role.USER, True, False)
    assert (user.email, user.phone, user.department) == ("carol@example.org", "201", "Sales")
    assert signs_in(client, "carol")


def test_rights_of_a_new_user_are_those_that_were_chosen(app, ada):
    entered = {**NEW, "role": "admin", "may_manage_phones": "y"}
    del entered["may_dial"]

    ada.client.submit("/admin/users/new", entered)

    (user,) = find(app, "carol")
    assert (user.role, user.may_dial, user.may_manage_phones) == (Role.ADMIN, False, True)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"login": "ada"}, "Somebody has this login already."),
        ({"login": "two words"}, "Use 1 to 64 of these characters"),
        ({"login": ""}, "Choose a login."),
        ({"password": "short"}, "Use at least 15 characters."),
        ({"password": ""}, "Choose a password."),
        ({"email": "nobody"}, "This is not an e-mail address."),
        ({"surname": "x" * 256}, "At most 255 characters are possible."),
        ({"role": "god"}, "Not a valid choice"),
    ],
)
def test_wrong_entry_is_named_and_the_rest_is_kept(app, ada, change, complaint):
    answer = ada.client.submit("/admin/users/new", {**NEW, **change})

    assert answer.status_code == 422
    assert complaint in html.unescape(answer.text)
    assert 'value="Carol"' in answer.text
    assert PASSWORD not in answer.text
    assert find(app, "carol") == []


def test_disabled_user_is_out_at_once_and_cannot_sign_in(app, ada, bob, client):
    assert bob.client.get("/people").status_code == 200

    answer = ada.client.submit(f"/admin/users/{bob.id}/disable")

    assert (answer.status_code, answer.location) == (303, f"/admin/users/{bob.id}")
    assert bob.client.get("/people").status_code == 303
    assert bob.client.get("/people", htmx=True).status_code == 401
    assert not signs_in(client, "bob")


def test_enabled_user_can_sign_in_again(ada, bob, client):
    browser = bob.client
    ada.client.submit(f"/admin/users/{bob.id}/disable")

    ada.client.submit(f"/admin/users/{bob.id}/enable")

    assert browser.get("/people").status_code == 303
    assert signs_in(client, "bob")


def test_administrator_cannot_disable_the_own_account(app, ada):
    answer = ada.client.submit(f"/admin/users/{ada.id}/disable")

    assert "You cannot disable your own account." in ada.client.get(answer.location).text
    assert ada.client.get("/admin/users").status_code == 200


def test_user_page_offers_to_disable_others_only(ada, bob):
    assert f"/admin/users/{bob.id}/disable" in ada.client.get(f"/admin/users/{bob.id}").text
    assert "/disable" not in ada.client.get(f"/admin/users/{ada.id}").text


@pytest.mark.parametrize("path", ["/admin/users", "/admin/users/new"])
def test_pages_are_closed_for_users_and_visitors(client, alice, path):
    assert alice.client.get(path).status_code == 403
    assert client.get(path).location.startswith("/login")


@pytest.mark.parametrize("action", ["new", "{id}/disable", "{id}/enable", "{id}/account"])
def test_users_and_visitors_change_nothing(app, client, alice, bob, action):
    path = "/admin/users/" + action.format(id=bob.id)

    assert alice.client.submit(path, NEW).status_code == 403
    assert client.submit(path, NEW).location.startswith("/login")
    (user,) = find(app, "bob")
    assert user.active
    assert find(app, "carol") == []


@pytest.mark.parametrize("action", ["new", "{id}/disable", "{id}/enable", "{id}/account"])
def test_post_without_csrf_token_is_refused(ada, bob, action):
    path = "/admin/users/" + action.format(id=bob.id)

    assert ada.client.post(path, data=NEW).status_code == 400


@pytest.mark.parametrize("action", ["disable", "enable", "account"])
def test_actions_need_a_post_and_an_existing_user(ada, bob, action):
    assert ada.client.get(f"/admin/users/{bob.id}/{action}").status_code == 405
    assert ada.client.submit(f"/admin/users/4711/{action}").status_code == 404


def test_address_beyond_every_id_is_not_found(ada):
    assert ada.client.get(f"/admin/users/{10**20}").status_code == 404
    assert ada.client.submit(f"/settings/security/sessions/{10**20}/end").status_code == 404
