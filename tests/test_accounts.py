"""Accounts: creating, finding, changing, disabling; CTI credentials."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from portal import accounts, passwords, sessions
from portal.accounts import Rights
from portal.errors import DialError, InvalidError, NotFoundError
from portal.extensions import db
from portal.identity import identify
from portal.keyring import KeyringError
from portal.models import Role, User

PASSWORD = "a password long enough"
ADMIN = Rights(role=Role.ADMIN)


@pytest.fixture(autouse=True)
def _in_context(app):
    with app.app_context():
        yield


def _names(page):
    return [user.name for user in page.items]


def _identity(user):
    caller = identify(sessions.sign_in(user.login, PASSWORD, address="", browser=""))
    assert caller
    return caller


def test_user_is_created_with_record_and_rights():
    user = accounts.create(
        "carol",
        PASSWORD,
        rights=Rights(may_manage_phones=True, may_dial=False),
        record={"surname": "Ćurić", "department": "Sales"},
        language="de",
    )

    found = accounts.get(user.id)
    assert (found.name, found.department, found.language) == ("Ćurić", "Sales", "de")
    assert (found.role, found.may_manage_phones, found.may_dial) == (Role.USER, True, False)
    assert found.active


def test_password_is_stored_as_argon2id_hash_only():
    user = accounts.create("carol", PASSWORD)

    assert user.password_hash.startswith("$argon2id$")
    assert passwords.verify(user.password_hash, PASSWORD)


def test_login_is_kept_in_lower_case_without_blanks_around():
    assert accounts.create("  Carol.Smith@Example ", PASSWORD).login == "carol.smith@example"


@pytest.mark.parametrize(
    "login", ["", "   ", "two words", "müller", "a" * 65, "a\0b", "a/b", "<b>"]
)
def test_bad_login_is_refused_on_its_field(login):
    with pytest.raises(InvalidError) as refused:
        accounts.create(login, PASSWORD)

    assert (refused.value.kind, refused.value.field) == ("bad-login", "login")


def test_taken_login_is_refused_on_its_field():
    accounts.create("carol", PASSWORD)

    with pytest.raises(InvalidError) as refused:
        accounts.create("CAROL", PASSWORD)

    assert (refused.value.kind, refused.value.field) == ("taken", "login")


@pytest.mark.parametrize(("password", "kind"), [("x" * 14, "too-short"), ("x" * 257, "too-long")])
def test_password_of_wrong_length_is_refused(password, kind):
    with pytest.raises(InvalidError) as refused:
        accounts.create("carol", password)

    assert (refused.value.kind, refused.value.field) == (kind, "password")


def test_record_value_with_line_break_is_refused_on_its_field():
    with pytest.raises(DialError) as refused:
        accounts.create("carol", PASSWORD, record={"surname": "a\nb"})

    assert (refused.value.kind, refused.value.field) == ("control-character", "surname")


def test_record_values_are_kept_exactly_as_typed(alice):
    typed = {"surname": "  O'Neil <b>&amp;</b> 100% ", "location": "Größe+ß"}

    accounts.change_profile(alice.id, typed, language="", time_zone="Europe/Berlin")

    user = accounts.get(alice.id)
    assert {name: getattr(user, name) for name in typed} == typed


@pytest.mark.parametrize("email", ["nobody", "a@b c", "@", "a@@b"])
def test_what_is_no_email_address_is_refused(alice, email):
    with pytest.raises(InvalidError) as refused:
        accounts.change_profile(alice.id, {"email": email}, language="", time_zone="UTC")

    assert refused.value.field == "email"


@pytest.mark.parametrize(
    ("language", "time_zone", "field"),
    [("fr", "UTC", "language"), ("", "Mars/Olympus", "time_zone"), ("", "localtime", "time_zone")],
)
def test_unknown_language_and_time_zone_are_refused(alice, language, time_zone, field):
    with pytest.raises(InvalidError) as refused:
        accounts.change_profile(alice.id, {}, language=language, time_zone=time_zone)

    assert refused.value.field == field


def test_unknown_user_is_not_found():
    with pytest.raises(NotFoundError):
        accounts.get(4711)


def test_preferences_change_one_by_one(alice):
    accounts.change_preferences(alice.id, theme="dark")
    accounts.change_preferences(alice.id, language="de")

    user = accounts.get(alice.id)
    assert (user.theme, user.language) == ("dark", "de")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["Alice Ärmel & Söhne", "Bob Builder", "Ada Lovelace"]),
        ("BOB", ["Bob Builder"]),
        ("sales", ["Alice Ärmel & Söhne"]),
        ("builder bob", ["Bob Builder"]),
        ("äRMEL", ["Alice Ärmel & Söhne"]),
        ("ada", ["Ada Lovelace"]),
        ("%", []),
        ("a_a", []),
        ("\0", ["Alice Ärmel & Söhne", "Bob Builder", "Ada Lovelace"]),
        ("' OR 1=1 --", []),
    ],
)
def test_search_finds_users_by_words_of_name_login_and_department(ada, alice, bob, text, names):
    assert sorted(_names(accounts.search(text))) == sorted(names)


def test_users_come_by_surname(ada, alice, bob):
    accounts.create("zora", PASSWORD, record={"firstname": "Zora", "surname": "abel"})
    accounts.create("mike", PASSWORD)

    names = [name for name in _names(accounts.search()) if "Ärmel" not in name]

    assert names == ["Zora abel", "Bob Builder", "Ada Lovelace", "mike"]


def test_long_lists_come_in_pages():
    db.session.add_all(User(login=f"user{number:03}", password_hash="-") for number in range(1, 61))
    db.session.commit()

    last = accounts.search("user", page=3)

    assert (last.number, last.pages, last.total) == (3, 3, 60)
    assert _names(last) == [f"user{number:03}" for number in range(51, 61)]
    assert accounts.search("user", page=99).number == 3
    assert accounts.search("user", page=-1).number == 1


def test_colleagues_are_the_active_users(ada, alice, bob):
    accounts.disable(bob.id, by=ada.id)

    assert "Bob Builder" not in _names(accounts.colleagues())
    assert _names(accounts.colleagues("head of sales")) == ["Alice Ärmel & Söhne"]
    assert _names(accounts.colleagues("30262-101")) == ["Alice Ärmel & Söhne"]


def test_account_can_be_renamed_and_promoted(ada, alice):
    accounts.change_account(alice.id, login="Alice2", rights=ADMIN)

    user = accounts.get(alice.id)
    assert (user.login, user.role) == ("alice2", Role.ADMIN)


def test_renaming_to_a_taken_login_changes_nothing(ada, alice, bob):
    with pytest.raises(InvalidError) as refused:
        accounts.change_account(alice.id, login="bob", rights=ADMIN)

    assert refused.value.field == "login"
    assert (accounts.get(alice.id).login, accounts.get(alice.id).role) == ("alice", Role.USER)


def test_last_administrator_cannot_be_demoted(ada, alice):
    with pytest.raises(InvalidError) as refused:
        accounts.change_account(ada.id, login="ada", rights=Rights())

    assert (refused.value.kind, refused.value.field) == ("last-admin", "role")


def test_administrator_can_be_demoted_while_another_is_active(ada, alice):
    accounts.change_account(alice.id, login="alice", rights=ADMIN)

    accounts.change_account(ada.id, login="ada", rights=Rights())

    assert accounts.get(ada.id).role is Role.USER


def test_last_active_administrator_cannot_be_disabled(ada, alice, bob):
    accounts.change_account(alice.id, login="alice", rights=ADMIN)
    accounts.disable(alice.id, by=ada.id)

    with pytest.raises(InvalidError) as refused:
        accounts.disable(ada.id, by=alice.id)

    assert refused.value.kind == "last-admin"
    assert accounts.get(ada.id).active


def test_two_administrators_who_disable_each_other_do_not_both_succeed(app, ada, alice):
    accounts.change_account(alice.id, login="alice", rights=ADMIN)
    start = threading.Barrier(2)

    def disable(other, by):
        with app.app_context(), contextlib.suppress(InvalidError):
            start.wait()
            accounts.disable(other.id, by=by.id)

    with ThreadPoolExecutor() as pool:
        list(pool.map(disable, (ada, alice), (alice, ada)))

    db.session.rollback()
    assert [accounts.get(person.id).active for person in (ada, alice)].count(True) == 1


def test_nobody_can_disable_the_own_account(ada):
    with pytest.raises(InvalidError) as refused:
        accounts.disable(ada.id, by=ada.id)

    assert refused.value.kind == "own-account"


def test_disabling_ends_all_sessions_and_keeps_the_user_out(ada):
    user = accounts.create("carol", PASSWORD)
    token = sessions.sign_in("carol", PASSWORD, address="", browser="")

    accounts.disable(user.id, by=ada.id)

    assert identify(token) is None
    with pytest.raises(InvalidError):
        sessions.sign_in("carol", PASSWORD, address="", browser="")


def test_enabled_user_can_sign_in_again_but_old_sessions_stay_over(ada):
    user = accounts.create("carol", PASSWORD)
    token = sessions.sign_in("carol", PASSWORD, address="", browser="")
    accounts.disable(user.id, by=ada.id)

    accounts.enable(user.id)

    assert identify(token) is None
    assert sessions.sign_in("carol", PASSWORD, address="", browser="")


def test_own_password_change_ends_all_other_sessions():
    user = accounts.create("carol", PASSWORD)
    kept = sessions.sign_in("carol", PASSWORD, address="", browser="")
    other = sessions.sign_in("carol", PASSWORD, address="", browser="")

    caller = identify(kept)
    assert caller

    accounts.change_password(user.id, PASSWORD, "another password", keep_session=caller.session_id)

    assert identify(kept)
    assert identify(other) is None
    assert sessions.sign_in("carol", "another password", address="", browser="")


def test_own_password_change_needs_the_present_password():
    user = accounts.create("carol", PASSWORD)

    with pytest.raises(InvalidError) as refused:
        accounts.change_password(user.id, "wrong", "another password", keep_session=0)

    assert refused.value.field == "current"
    assert passwords.verify(accounts.get(user.id).password_hash, PASSWORD)


def test_password_reset_ends_all_sessions():
    user = accounts.create("carol", PASSWORD)
    token = sessions.sign_in("carol", PASSWORD, address="", browser="")

    accounts.reset_password(user.id, "another password")

    assert identify(token) is None


def test_cti_password_is_stored_sealed_and_comes_back_for_its_owner():
    user = accounts.create("carol", PASSWORD)

    accounts.change_cti(user.id, cti_user="c", cti_pass=" Geheim|%41 ", cti_phone="SIP/201")

    assert "Geheim" not in accounts.get(user.id).cti_pass_sealed
    assert accounts.get(user.id).cti_pass_set_at is not None
    assert accounts.cti_password(_identity(user)) == " Geheim|%41 "


@pytest.mark.parametrize("empty", ["", None])
def test_empty_cti_password_keeps_the_stored_one(empty):
    user = accounts.create("carol", PASSWORD)
    accounts.change_cti(user.id, cti_user="c", cti_pass="Geheim", cti_phone="")

    accounts.change_cti(user.id, cti_user="d", cti_pass=empty, cti_phone="SIP/202")

    caller = _identity(user)
    assert (caller.cti_user, caller.cti_phone) == ("d", "SIP/202")
    assert accounts.cti_password(caller) == "Geheim"


def test_removed_cti_password_is_gone():
    user = accounts.create("carol", PASSWORD)
    accounts.change_cti(user.id, cti_user="c", cti_pass="Geheim", cti_phone="")

    accounts.remove_cti_pass(user.id)

    assert accounts.cti_password(_identity(user)) == ""
    assert accounts.get(user.id).cti_pass_set_at is None


def test_cti_password_copied_to_another_user_does_not_open():
    carol = accounts.create("carol", PASSWORD)
    accounts.change_cti(carol.id, cti_user="c", cti_pass="Geheim", cti_phone="")
    thief = accounts.create("mallory", PASSWORD)
    thief.cti_pass_sealed = accounts.get(carol.id).cti_pass_sealed
    db.session.commit()

    with pytest.raises(KeyringError):
        accounts.cti_password(_identity(thief))


@pytest.mark.parametrize("field", ["cti_user", "cti_pass", "cti_phone"])
def test_cti_values_with_control_characters_are_refused_on_their_field(field):
    user = accounts.create("carol", PASSWORD)
    values = {"cti_user": "", "cti_pass": "", "cti_phone": "", field: "a\r\nb"}

    with pytest.raises(DialError) as refused:
        accounts.change_cti(user.id, **values)

    assert refused.value.field == field
