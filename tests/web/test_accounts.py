"""The way in and out: first start, sign in, sign out."""

import html
import re
from urllib.parse import urlencode

import pytest

from portal import accounts, setup
from portal.models import Role
from portal.web.guards import TOKEN
from tests.support.people import ADA, PASSWORD, Person, let_confirmations_lapse

NEW_ADMIN = {
    "firstname": "Ada",
    "surname": "Lovelace",
    "login": "ada",
    "language": "en",
    "password": PASSWORD,
    "repeat": PASSWORD,
}


@pytest.fixture
def setup_token(app):
    with app.app_context():
        return setup.new_link()


def is_signed_in(client):
    return client.get("/settings/profile").status_code == 200


def sentence(response):
    return html.unescape(response.text)


def test_login_page_shows_the_fields(client, ada):
    page = client.get("/login")

    assert page.status_code == 200
    assert 'name="login"' in page.text
    assert 'name="password"' in page.text
    assert "one-time link" not in page.text


def test_login_page_says_when_nobody_is_set_up(client):
    assert "flask --app wsgi setup-link" in client.get("/login").text


def test_right_password_opens_the_portal(client, alice):
    answer = client.submit("/login", {"login": "alice", "password": PASSWORD})

    assert (answer.status_code, answer.location) == (303, "/")
    assert is_signed_in(client)


def test_sign_in_goes_on_to_the_page_that_was_wanted(client, alice):
    visitor = client.get("/people?q=bob")
    form = client.get(visitor.location)
    assert 'action="/login?next=/people?q%3Dbob"' in form.text

    client.submit(visitor.location, {"login": "alice", "password": "wrong"})
    answer = client.submit(visitor.location, {"login": "alice", "password": PASSWORD})

    assert answer.location == "/people?q=bob"


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil", "x", ""])
def test_sign_in_never_goes_on_to_another_site(client, alice, target):
    answer = client.submit(
        f"/login?{urlencode({'next': target})}", {"login": "alice", "password": PASSWORD}
    )

    assert answer.location == "/"


def test_same_answer_for_unknown_user_wrong_password_and_disabled_account(app, client, alice, bob):
    with app.app_context():
        accounts.disable(bob.id, by=alice.id)

    answers = [
        client.submit("/login", {"login": login, "password": password})
        for login, password in (("alice", "wrong"), ("nobody", "wrong"), ("bob", PASSWORD))
    ]

    assert [answer.status_code for answer in answers] == [422] * 3
    for answer in answers:
        assert "Login or password is wrong, or the account is disabled." in answer.text
    assert not is_signed_in(client)


def test_failed_sign_in_keeps_the_login_but_not_the_password(client, alice):
    answer = client.submit("/login", {"login": "alice", "password": "my secret guess"})

    assert 'value="alice"' in answer.text
    assert "my secret guess" not in answer.text


@pytest.mark.parametrize("field", ["login", "password"])
def test_empty_field_is_named(client, alice, field):
    entered = {"login": "alice", "password": PASSWORD, field: ""}

    answer = client.submit("/login", entered)

    assert answer.status_code == 422
    assert f"Enter your {field}." in answer.text


def test_sign_in_gives_the_browser_a_new_session(client, alice):
    with client.session_transaction() as before:
        before["left over"] = "from a visitor"

    client.submit("/login", {"login": "alice", "password": PASSWORD})

    with client.session_transaction() as after:
        assert "left over" not in after
        assert after[TOKEN]
        assert after.permanent


def test_cookie_is_out_of_reach_for_scripts_and_other_sites(client, alice):
    answer = client.submit("/login", {"login": "alice", "password": PASSWORD})

    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("session=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_cookie_is_tied_to_the_host_under_https(client, alice):
    secure = {"base_url": "https://localhost"}
    client.get("/login", **secure)
    token = client.get("/login", **secure).text.split('name="csrf_token"')[1].split('value="')[1]
    entered = {"login": "alice", "password": PASSWORD, "csrf_token": token.split('"')[0]}

    answer = client.post(
        "/login", data=entered, headers={"Referer": "https://localhost/login"}, **secure
    )

    assert answer.status_code == 303
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert "Secure" in cookie
    assert "Path=/" in cookie


def test_signing_in_anew_ends_the_session_before(app, alice):
    browser, other = alice.new_client(), alice.new_client()
    with browser.session_transaction() as cookie:
        old = cookie[TOKEN]

    browser.submit("/login", {"login": "alice", "password": PASSWORD})

    with other.session_transaction() as cookie:
        cookie[TOKEN] = old
    assert is_signed_in(browser)
    assert not is_signed_in(other)


def test_login_page_sends_the_signed_in_on(alice):
    answer = alice.client.get("/login?next=/people")

    assert (answer.status_code, answer.location) == (303, "/people")


def test_after_five_wrong_passwords_the_page_says_how_long_to_wait(client, alice):
    for _ in range(5):
        client.submit("/login", {"login": "alice", "password": "wrong"})

    answer = client.submit("/login", {"login": "alice", "password": PASSWORD})

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert "Too many wrong passwords. Wait 60 seconds, then try again." in answer.text
    assert 'value="alice"' in answer.text
    assert not is_signed_in(client)


@pytest.mark.parametrize("login", ["alice", "nobody"])
def test_the_pause_is_the_same_for_a_name_that_does_not_exist(client, alice, login):
    statuses = [
        client.submit("/login", {"login": login, "password": "wrong"}).status_code for _ in range(6)
    ]

    assert statuses == [422] * 5 + [429]


def test_passwords_can_be_pasted_and_filled_in_by_a_manager(app, client, alice, setup_token):
    pages = [client.get("/login").text, client.get(f"/setup?token={setup_token}").text]
    ada = Person(app, ADA).client
    for path in ("/settings/security", "/admin/users/new", f"/admin/users/{alice.id}/security"):
        let_confirmations_lapse(app)
        pages.append(ada.get(path).text)

    fields = [field for page in pages for field in re.findall(r"<input[^>]*password[^>]*>", page)]
    fields = [field for field in fields if 'type="password"' in field]

    assert len(fields) >= 12
    for field in fields:
        assert re.search(r'autocomplete="(current|new)-password"', field)
        assert "maxlength" not in field


def test_too_many_tries_from_one_address_are_refused_for_a_while(client, alice):
    for _ in range(30):
        client.submit("/login", {"login": "alice", "password": "wrong"})

    answer = client.submit("/login", {"login": "alice", "password": PASSWORD})

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert client.get("/login").status_code == 200


def test_tries_of_an_address_are_a_setting(make_app, alice):
    client = make_app(sign_ins_per_address=2).test_client()
    for login in ("one", "two"):
        assert client.submit("/login", {"login": login, "password": "wrong"}).status_code == 422

    answer = client.submit("/login", {"login": "alice", "password": PASSWORD})

    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 901


def test_who_gets_in_does_not_count_as_a_try(client, alice):
    statuses = {
        client.submit("/login", {"login": "alice", "password": PASSWORD}).status_code
        for _ in range(31)
    }

    assert statuses == {303}


@pytest.mark.parametrize("path", ["/login", "/setup", "/logout"])
def test_post_without_csrf_token_is_refused(alice, path):
    assert alice.client.post(path, data={"login": "alice", "password": PASSWORD}).status_code == 400


def test_signing_out_ends_the_session_and_says_so(alice):
    answer = alice.client.submit("/logout")

    assert (answer.status_code, answer.location) == (303, "/login")
    assert "You are signed out." in alice.client.get("/login").text
    assert not is_signed_in(alice.client)


def test_token_of_an_ended_session_opens_nothing(alice):
    with alice.client.session_transaction() as cookie:
        token = cookie[TOKEN]
    alice.client.submit("/logout")

    with alice.client.session_transaction() as cookie:
        cookie[TOKEN] = token

    assert not is_signed_in(alice.client)


def test_signing_out_by_a_link_is_not_possible(alice):
    assert alice.client.get("/logout").status_code == 405
    assert is_signed_in(alice.client)


def test_visitor_who_signs_out_is_sent_to_the_login_page(client):
    assert client.submit("/logout").location.startswith("/login")


def test_link_shows_the_form_of_the_first_administrator(client, setup_token):
    page = client.get(f"/setup?token={setup_token}")

    assert page.status_code == 200
    assert f'action="/setup?token={setup_token}"' in page.text


def test_first_administrator_is_made_and_signed_in(app, client, setup_token):
    answer = client.submit(f"/setup?token={setup_token}", NEW_ADMIN)

    assert (answer.status_code, answer.location) == (303, "/")
    assert client.get("/admin/users").status_code == 200
    with app.app_context():
        (user,) = accounts.search().items
        assert (user.name, user.role, user.language) == ("Ada Lovelace", Role.ADMIN, "en")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"login": ""}, "Choose a login."),
        ({"login": "two words"}, "Use 1 to 64 of these characters"),
        ({"password": "short", "repeat": "short"}, "Use at least 15 characters."),
        ({"repeat": "something else"}, "The two passwords differ."),
    ],
)
def test_wrong_entry_is_named_and_the_rest_is_kept(client, setup_token, change, complaint):
    answer = client.submit(f"/setup?token={setup_token}", {**NEW_ADMIN, **change})

    assert answer.status_code == 422
    assert complaint in sentence(answer)
    assert 'value="Lovelace"' in answer.text
    assert PASSWORD not in answer.text
    assert client.submit(f"/setup?token={setup_token}", NEW_ADMIN).status_code == 303


def test_language_can_be_switched_after_a_wrong_entry(client, setup_token):
    address = f"/setup?token={setup_token}"
    page = client.submit(address, {**NEW_ADMIN, "login": ""})
    assert f'name="next" value="{address}"' in page.text

    answer = client.submit("/preferences", {"language": "de", "next": address})

    assert client.get(answer.location).status_code == 200


@pytest.mark.parametrize("token", ["", "wrong"])
def test_wrong_link_says_how_to_get_a_new_one(client, setup_token, token):
    opened = client.get("/setup", query_string={"token": token})
    sent = client.submit(f"/setup?token={token}", NEW_ADMIN)

    for answer in (opened, sent):
        assert answer.status_code == 403
        assert "flask --app wsgi setup-link" in answer.text


def test_used_link_sends_to_the_login_page(client, setup_token):
    client.submit(f"/setup?token={setup_token}", NEW_ADMIN)

    answer = client.get(f"/setup?token={setup_token}")

    assert answer.status_code == 403
    assert "This portal has been set up. Sign in instead." in answer.text


def test_empty_post_is_a_wrong_entry_and_no_failure(client, setup_token):
    assert client.submit("/login").status_code == 422
    assert client.submit(f"/setup?token={setup_token}").status_code == 422
