"""One user's settings: profile, security; one's own, and any user's for an administrator."""

import html
import re

import pytest

from portal import accounts, sessions
from portal.models import Role
from tests.support.people import PASSWORD

PROFILE = {
    "title": "Dr.",
    "firstname": "Alice",
    "surname": " O'Neil <b> ",
    "email": "alice@example.org",
    "phone": "+49 361 1",
    "mobile": "",
    "fax": "",
    "department": "Sales",
    "position": "",
    "location": "Erfurt",
    "language": "en",
    "time_zone": "America/New_York",
}
ACCOUNT = {"login": "alice", "role": "user", "may_dial": "y"}
CTI = {"cti_user": "alice.cti", "cti_phone": "SIP/201", "cti_pass": "TopSecret-4711"}
NEW_PASSWORD = {"current": PASSWORD, "new": "another password", "repeat": "another password"}

FORMS = {
    "": PROFILE,
    "/account": ACCOUNT,
    "/security": CTI,
    "/security/cti-pass/delete": {},
    "/security/password": NEW_PASSWORD,
    "/security/sessions/end": {},
    "/security/sessions/1/end": {},
}
"""Everything that an administrator can send below ``/admin/users/<id>``."""


@pytest.fixture
def user_of(app):
    def user_of(person):
        with app.app_context():
            return accounts.get(person.id)

    return user_of


@pytest.fixture
def sessions_of(app):
    def sessions_of(person):
        with app.app_context():
            return sessions.of_user(person.id)

    return sessions_of


def signs_in(client, login, password):
    return client.submit("/login", {"login": login, "password": password}).status_code == 303


def is_signed_in(client):
    return client.get("/settings/profile").status_code == 200


def text(response):
    return html.unescape(response.text)


def test_profile_shows_the_record_with_the_names_for_dial_urls(alice):
    page = alice.client.get("/settings/profile")

    assert page.status_code == 200
    assert 'value="Alice"' in page.text
    for name in ("surname", "phone", "location", "login"):
        assert f"<#{name}#>" in text(page)


def test_profile_is_saved_exactly_as_typed(alice, user_of):
    answer = alice.client.submit("/settings/profile", PROFILE)

    assert (answer.status_code, answer.location) == (303, "/settings/profile")
    user = user_of(alice)
    assert {name: getattr(user, name) for name in PROFILE} == PROFILE
    assert "Saved." in alice.client.get("/settings/profile").text


def test_language_chosen_in_the_profile_is_spoken_at_once(alice):
    alice.client.submit("/settings/profile", {**PROFILE, "language": "de"})

    assert '<html lang="de"' in alice.client.get("/settings/profile").text


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"email": "nobody"}, "This is not an e-mail address."),
        ({"phone": "x" * 256}, "At most 255 characters are possible."),
        ({"surname": "a\tb"}, "control characters are not possible"),
        ({"time_zone": "Mars/Olympus"}, "Not a valid choice"),
        ({"language": "fr"}, "Not a valid choice"),
    ],
)
def test_wrong_entry_in_the_profile_is_named_and_nothing_is_saved(
    alice, user_of, change, complaint
):
    entered = {**PROFILE, "language": "", "firstname": "Changed", **change}

    answer = alice.client.submit("/settings/profile", entered)

    assert answer.status_code == 422
    assert complaint in text(answer)
    assert 'value="Changed"' in answer.text
    assert user_of(alice).firstname == "Alice"


def test_user_reads_login_and_rights_but_cannot_change_them(alice, user_of):
    page = alice.client.get("/settings/profile")
    alice.client.submit("/settings/profile", {**PROFILE, **ACCOUNT, "role": "admin", "login": "x"})

    assert "Only an administrator can change this." in page.text
    assert (user_of(alice).login, user_of(alice).role) == ("alice", Role.USER)


def test_administrator_finds_the_way_to_the_own_rights(ada):
    assert f'href="/admin/users/{ada.id}"' in ada.client.get("/settings/profile").text


def test_administrator_changes_somebodys_profile(ada, alice, user_of):
    answer = ada.client.submit(f"/admin/users/{alice.id}", PROFILE)

    assert (answer.status_code, answer.location) == (303, f"/admin/users/{alice.id}")
    assert user_of(alice).surname == PROFILE["surname"]
    assert user_of(ada).surname == "Lovelace"


def test_administrator_changes_login_and_rights(ada, alice, user_of):
    entered = {"login": "Alice.New", "role": "admin", "may_manage_phones": "y"}

    answer = ada.client.submit(f"/admin/users/{alice.id}/account", entered)

    assert answer.location == f"/admin/users/{alice.id}"
    user = user_of(alice)
    assert (user.login, user.role) == ("alice.new", Role.ADMIN)
    assert (user.may_dial, user.may_manage_phones) == (False, True)
    assert alice.new_client().get("/admin/users").status_code == 200


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"login": "ada"}, "Somebody has this login already."),
        ({"login": ""}, "Choose a login."),
        ({"role": ""}, "Not a valid choice"),
    ],
)
def test_wrong_login_or_role_is_named(ada, alice, user_of, change, complaint):
    answer = ada.client.submit(f"/admin/users/{alice.id}/account", {**ACCOUNT, **change})

    assert answer.status_code == 422
    assert complaint in text(answer)
    assert (user_of(alice).login, user_of(alice).role) == ("alice", Role.USER)


def test_wrong_login_is_named_in_the_card_of_the_account_alone(ada, alice):
    answer = ada.client.submit(
        f"/admin/users/{alice.id}/account", {**ACCOUNT, "login": "ada"}, htmx=True
    )

    assert answer.status_code == 422
    assert answer.text.strip().startswith('<section class="card" id="account">')
    assert "Somebody has this login already." in answer.text


def test_last_administrator_keeps_the_role(ada, user_of):
    answer = ada.client.submit(f"/admin/users/{ada.id}/account", {**ACCOUNT, "login": "ada"})

    assert answer.status_code == 422
    assert "This is the last active administrator." in answer.text
    assert user_of(ada).role is Role.ADMIN


def test_former_administrator_loses_the_pages_at_once(ada, alice):
    account = f"/admin/users/{alice.id}/account"
    ada.client.submit(account, {**ACCOUNT, "role": "admin"})
    browser = alice.new_client()
    assert browser.get("/admin/users").status_code == 200

    ada.client.submit(account, ACCOUNT)

    assert browser.get("/admin/users").status_code == 303
    assert alice.new_client().get("/admin/users").status_code == 403


@pytest.mark.parametrize(("role", "stays"), [("user", True), ("admin", False)])
def test_another_role_ends_all_sessions_and_other_changes_do_not(ada, alice, role, stays):
    browser = alice.client

    ada.client.submit(f"/admin/users/{alice.id}/account", {**ACCOUNT, "login": "new", "role": role})

    assert is_signed_in(browser) is stays


def test_cti_credentials_are_saved(app, alice, user_of):
    answer = alice.client.submit("/settings/security", CTI)

    assert (answer.status_code, answer.location) == (303, "/settings/security")
    user = user_of(alice)
    assert (user.cti_user, user.cti_phone) == ("alice.cti", "SIP/201")
    assert user.cti_pass_sealed
    assert CTI["cti_pass"] not in user.cti_pass_sealed


def test_page_says_when_the_cti_password_was_set(alice):
    assert "Not set" in alice.client.get("/settings/security").text

    alice.client.submit("/settings/security", CTI)

    page = alice.client.get("/settings/security").text
    assert re.search(r"••• set on \w+ \d+, \d{4}", page)
    assert "STARFACE" in page


def test_empty_cti_password_keeps_the_stored_one(alice, user_of):
    alice.client.submit("/settings/security", CTI)
    sealed = user_of(alice).cti_pass_sealed

    alice.client.submit("/settings/security", {**CTI, "cti_pass": "", "cti_phone": "SIP/202"})

    assert user_of(alice).cti_pass_sealed == sealed
    assert user_of(alice).cti_phone == "SIP/202"


def test_cti_password_is_removed(alice, user_of):
    alice.client.submit("/settings/security", CTI)

    answer = alice.client.submit("/settings/security/cti-pass/delete")

    assert answer.location == "/settings/security"
    assert user_of(alice).cti_pass_sealed == ""
    page = alice.client.get("/settings/security").text
    assert "The CTI password has been removed." in page
    assert "Not set" in page


def test_cti_password_is_in_no_answer(ada, alice):
    alice.client.submit("/settings/security", CTI)

    answers = [
        alice.client.get("/settings/security"),
        ada.client.get(f"/admin/users/{alice.id}/security"),
        alice.client.submit("/settings/security", {**CTI, "cti_phone": "a\tb"}),
        alice.client.submit("/settings/security", {**CTI, "cti_phone": "a\tb"}, htmx=True),
        alice.client.submit("/settings/security", {**CTI, "cti_pass": CTI["cti_pass"] + "\t"}),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 422, 422, 422]
    for answer in answers:
        assert CTI["cti_pass"] not in answer.text


def test_htmx_gets_only_the_card_that_was_wrong(alice):
    answer = alice.client.submit("/settings/security", {**CTI, "cti_user": "a\tb"}, htmx=True)

    assert answer.status_code == 422
    assert 'id="cti"' in answer.text
    assert "control characters are not possible" in answer.text
    for other in ("<html", 'id="password"', 'id="sessions"'):
        assert other not in answer.text


def test_htmx_loads_the_page_anew_after_saving(alice):
    answer = alice.client.submit("/settings/security", CTI, htmx=True)

    assert answer.headers["HX-Redirect"] == "/settings/security"


def test_administrator_sets_somebodys_cti_credentials(ada, alice, user_of):
    answer = ada.client.submit(f"/admin/users/{alice.id}/security", CTI)

    assert answer.location == f"/admin/users/{alice.id}/security"
    assert user_of(alice).cti_pass_sealed
    assert user_of(ada).cti_pass_sealed == ""


def test_own_password_changes_and_ends_all_other_sessions(client, alice):
    other = alice.new_client()

    answer = alice.client.submit("/settings/security/password", NEW_PASSWORD)

    assert answer.location == "/settings/security"
    assert is_signed_in(alice.client)
    assert not is_signed_in(other)
    assert signs_in(client, "alice", "another password")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"current": "wrong"}, "This is not your present password."),
        ({"current": ""}, "Enter your present password."),
        ({"new": "short", "repeat": "short"}, "Use at least 15 characters."),
        ({"repeat": "something else"}, "The two passwords differ."),
    ],
)
def test_wrong_entry_keeps_the_password_and_the_sessions(client, alice, change, complaint):
    other = alice.new_client()

    answer = alice.client.submit("/settings/security/password", {**NEW_PASSWORD, **change})

    assert answer.status_code == 422
    assert complaint in text(answer)
    assert "another password" not in answer.text
    assert is_signed_in(other)
    assert signs_in(client, "alice", PASSWORD)


def test_administrator_resets_a_password_without_knowing_it(client, ada, alice):
    signed_in = alice.client
    entered = {"new": "another password", "repeat": "another password"}

    answer = ada.client.submit(f"/admin/users/{alice.id}/security/password", entered)

    assert answer.location == f"/admin/users/{alice.id}/security"
    assert not is_signed_in(signed_in)
    assert is_signed_in(ada.client)
    assert signs_in(client, "alice", "another password")


def test_administrator_needs_the_present_password_for_the_own_account(client, ada):
    entered = {"new": "another password", "repeat": "another password"}

    answer = ada.client.submit(f"/admin/users/{ada.id}/security/password", entered)

    assert answer.status_code == 422
    assert signs_in(client, "ada", PASSWORD)


def test_sessions_are_shown_in_words(client, alice):
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    entered = {"login": "alice", "password": PASSWORD}
    client.submit("/login", entered, headers={"User-Agent": agent})
    alice.new_client()

    page = client.get("/settings/security").text

    assert "Firefox, Linux" in page
    assert "Unknown browser" in page
    assert "127.0.0.1" in page
    assert page.count("this session") == 1


def test_one_session_is_ended_at_once(alice, sessions_of):
    other = alice.new_client()
    (ended,) = _ids(sessions_of(alice))

    answer = alice.client.submit(f"/settings/security/sessions/{ended}/end")

    assert answer.location == "/settings/security"
    assert not is_signed_in(other)
    assert is_signed_in(alice.client)


def test_htmx_gets_the_list_without_the_ended_session(alice, sessions_of):
    alice.new_client()
    (ended,) = _ids(sessions_of(alice))

    answer = alice.client.submit(f"/settings/security/sessions/{ended}/end", htmx=True)

    assert answer.status_code == 200
    assert 'id="sessions"' in answer.text
    assert f"/sessions/{ended}/" not in answer.text
    assert "<html" not in answer.text


def test_all_other_sessions_end_and_this_one_stays(alice, bob):
    others = [alice.new_client(), alice.new_client()]
    of_bob = bob.client

    alice.client.submit("/settings/security/sessions/end")

    assert is_signed_in(alice.client)
    assert is_signed_in(of_bob)
    assert not any(is_signed_in(other) for other in others)


def test_signing_out_everywhere_ends_this_session_as_well(alice, bob):
    others = [alice.new_client(), alice.new_client()]
    of_bob = bob.client
    assert "/settings/security/sessions/everywhere" in alice.client.get("/settings/security").text

    answer = alice.client.submit("/settings/security/sessions/everywhere")

    assert answer.location == "/login"
    assert answer.headers["Clear-Site-Data"]
    assert "You are signed out everywhere." in alice.client.get("/login").text
    assert not any(is_signed_in(browser) for browser in (alice.client, *others))
    assert is_signed_in(of_bob)


def test_session_of_another_user_cannot_be_ended(alice, bob, sessions_of):
    signed_in = bob.client
    (of_bob,) = _ids(sessions_of(bob))

    answer = alice.client.submit(f"/settings/security/sessions/{of_bob}/end")

    assert answer.status_code == 404
    assert is_signed_in(signed_in)


def test_administrator_ends_all_sessions_of_a_user(ada, alice):
    signed_in = alice.client

    ada.client.submit(f"/admin/users/{alice.id}/security/sessions/end")

    assert not is_signed_in(signed_in)
    assert is_signed_in(ada.client)
    assert "No open session" in ada.client.get(f"/admin/users/{alice.id}/security").text


@pytest.mark.parametrize("path", FORMS)
def test_users_change_nothing_through_the_administrators_addresses(client, alice, bob, path):
    address = f"/admin/users/{bob.id}{path}"

    assert alice.client.submit(address, FORMS[path]).status_code == 403
    assert client.submit(address, FORMS[path]).location.startswith("/login")


@pytest.mark.parametrize("path", ["", "/security"])
def test_users_see_nothing_through_the_administrators_addresses(client, alice, bob, path):
    for person in (alice, bob):
        assert alice.client.get(f"/admin/users/{person.id}{path}").status_code == 403
    assert client.get(f"/admin/users/{bob.id}{path}").location.startswith("/login")


@pytest.mark.parametrize("path", FORMS)
def test_unknown_user_is_not_found(ada, path):
    assert ada.client.submit(f"/admin/users/4711{path}", FORMS[path]).status_code == 404


@pytest.mark.parametrize("path", ["", "/security"])
def test_page_of_an_unknown_user_is_not_found(ada, path):
    assert ada.client.get(f"/admin/users/4711{path}").status_code == 404
    assert ada.client.get(f"/admin/users/x{path}").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/settings/profile",
        "/settings/security",
        "/settings/security/cti-pass/delete",
        "/settings/security/password",
        "/settings/security/sessions/end",
        "/settings/security/sessions/1/end",
    ],
)
def test_own_settings_need_a_session_and_a_csrf_token(client, alice, path):
    assert client.submit(path).location.startswith("/login")
    assert alice.client.post(path).status_code == 400


@pytest.mark.parametrize(
    "path",
    ["cti-pass/delete", "password", "sessions/end", "sessions/1/end"],
)
def test_changes_need_a_post(alice, path):
    assert alice.client.get(f"/settings/security/{path}").status_code == 405


def test_administrator_sees_whose_settings_these_are(ada, alice):
    page = ada.client.get(f"/admin/users/{alice.id}/security").text

    assert "<h1>Alice Ärmel &amp; Söhne</h1>" in page
    for tab in ("", "/click2dial", "/security"):
        assert f'href="/admin/users/{alice.id}{tab}"' in page


def _ids(rows):
    return [row.id for row in rows]
