"""The audit trail: who did what, in the same transaction as the deed."""

import pytest
from sqlalchemy import select

from portal import accounts, audit, calls, handlers, phones, retention, schemes, setup, targets
from portal.accounts import Rights
from portal.audit import Action
from portal.dialing.number import NumberFormat
from portal.dialing.template import OpenMode
from portal.extensions import db
from portal.handlers import HandlerDraft
from portal.identity import of_login
from portal.models import AuditEvent, Target, User
from portal.phones import Draft
from portal.retention import Periods
from tests.support import people
from tests.support.databases import on_sqlite
from tests.support.people import PASSWORD

CLIENT = OpenMode.CLIENT


def _events():
    return db.session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()


def test_it_says_who_did_it_and_from_where(app, ada):
    ada.client.submit(
        "/admin/click2dial/targets", {"entry": "pbx.example", "reason": "Our phone system"}
    )

    with app.app_context():
        (event,) = _events()
        assert (event.actor_id, event.actor_name) == (ada.id, "Ada Lovelace")
        assert event.address == "127.0.0.1"
        assert (event.action, event.subject) == ("target.allowed", "pbx.example")
        assert event.facts == {"reason": "Our phone system"}


def test_on_the_console_nobody_is_signed_in(app):
    with app.app_context():
        target = targets.allow("pbx.example")
        targets.remove(target.id)

        events = _events()

    assert [event.action for event in events] == ["target.allowed", "target.removed"]
    assert {(event.actor_id, event.actor_name) for event in events} == {(None, "console")}


def test_only_what_has_changed_is_kept(app):
    with app.app_context():
        audit.record(
            Action.TARGET_ALLOWED, "x", changes={"name": ("old", "new"), "url": ("same", "same")}
        )

        (event,) = _events()

    assert event.changes == {"name": ["old", "new"]}


def test_what_is_rolled_back_was_not_done(app):
    with app.app_context():
        db.session.add(Target(entry="pbx.example"))
        audit.record(Action.TARGET_ALLOWED, "pbx.example")
        db.session.rollback()

        assert _events() == []


def test_who_is_gone_stays_named(app, ada):
    ada.client.submit("/admin/click2dial/targets", {"entry": "pbx.example"})

    with app.app_context():
        db.session.delete(db.session.get_one(User, ada.id))
        db.session.commit()

        (event,) = _events()

    assert (event.actor_id, event.actor_name) == (None, "Ada Lovelace")


@pytest.fixture
def newest(app):
    """Return what the newest event says: action, subject, changes, and whom it concerns."""

    def newest():
        with app.app_context():
            event = _events()[-1]
            return event.action, event.subject, event.changes, event.facts

    return newest


def _phone(**changes):
    return Draft(**{"name": "Desk", "url": "callto:<#NUMBER#>", "open_mode": CLIENT, **changes})


def test_phones_are_told_with_old_and_new_and_whose_they_are(app, alice, newest):
    with app.app_context():
        phone_id = phones.create(alice.id, _phone()).id
    action, subject, changes, facts = newest()
    assert (action, subject) == ("phone.added", "Desk")
    assert changes["url"] == ["", "callto:<#NUMBER#>"]
    assert facts == {"user_id": alice.id, "user": "alice"}

    with app.app_context():
        phones.change(alice.id, phone_id, _phone(url="tel:<#NUMBER#>"))
    assert newest()[0::2] == ("phone.changed", {"url": ["callto:<#NUMBER#>", "tel:<#NUMBER#>"]})

    with app.app_context():
        phones.prefer(alice.id, phone_id)
    assert newest()[:2] == ("phone.preferred", "Desk")

    with app.app_context():
        phones.delete(alice.id, phone_id)
    action, subject, changes, _facts = newest()
    assert (action, subject) == ("phone.removed", "Desk")
    assert changes["url"] == ["tel:<#NUMBER#>", ""]


def test_the_default_phone_is_told(app, newest):
    with app.app_context():
        phones.save_default(_phone())
        phones.save_default(_phone(number_format=NumberFormat.E164))
    assert newest()[0::2] == ("default-phone.changed", {"number_format": ["as_entered", "e164"]})

    with app.app_context():
        phones.remove_default()
    assert newest()[:2] == ("default-phone.removed", "Desk")


def test_handlers_and_schemes_are_told(app, newest):
    with app.app_context():
        handler = handlers.create(HandlerDraft("anlage", "callto:"))
        assert newest()[:2] == ("handler.added", "anlage://")
        handlers.change(handler.id, HandlerDraft("anlage", "tel:"))
        assert newest()[0::2] == ("handler.changed", {"url": ["callto:", "tel:"]})
        handlers.delete(handler.id)
        assert newest()[:2] == ("handler.removed", "anlage://")
        schemes.add("msteams")
        assert newest()[:2] == ("scheme.added", "msteams:")
        schemes.remove("msteams")
        assert newest()[:2] == ("scheme.removed", "msteams:")


def test_a_key_that_is_written_into_a_url_is_masked_and_its_change_is_seen(app, newest):
    with app.app_context():
        phones.save_default(_phone(url="https://pbx.example/?apikey=canary1&n=<#NUMBER#>"))
        phones.save_default(_phone(url="https://pbx.example/?apikey=canary2&n=<#NUMBER#>"))

        assert newest()[2] == {"url": ["https://pbx.example/?apikey=•••&n=<#NUMBER#>"] * 2}
        assert "canary" not in str([event.changes for event in _events()])


def test_users_are_told(app, ada, newest):
    with app.app_context():
        user = accounts.create("carla", PASSWORD)
        action, subject, changes, facts = newest()
        assert (action, subject) == ("user.added", "carla")
        assert changes["role"] == ["", "user"]
        assert facts == {"user_id": user.id}

        accounts.change_account(user.id, login="carla", rights=Rights(may_manage_phones=True))
        assert newest()[0::2] == ("user.changed", {"may_manage_phones": ["no", "yes"]})
        accounts.disable(user.id, by=ada.id)
        assert newest()[:2] == ("user.disabled", "carla")
        accounts.enable(user.id)
        assert newest()[:2] == ("user.enabled", "carla")
        accounts.reset_password(user.id, PASSWORD[::-1])
        assert newest()[:2] == ("user.password-reset", "carla")


def test_a_record_is_told_without_the_ends_of_its_numbers(app, alice, newest):
    record = {**people.ALICE, "mobile": "+49 171 7654321", "department": "Support"}
    with app.app_context():
        accounts.change_profile(
            alice.id,
            {name: record[name] for name in accounts.PROFILE_FIELDS},
            language="",
            time_zone="Europe/Berlin",
        )

    assert newest()[0::2] == (
        "user.record-changed",
        {
            "mobile": ["+49 171 1234•••", "+49 171 7654•••"],
            "department": ["Sales", "Support"],
        },
    )


def test_cti_credentials_are_told_without_the_password(app, alice, newest):
    with app.app_context():
        accounts.change_cti(alice.id, cti_user="new", cti_pass="canary", cti_phone="192.0.2.17")
        assert newest()[0::2] == (
            "cti.changed",
            {"cti_user": ["alice.cti", "new"], "cti_pass_sealed": ["", "•••"]},
        )
        accounts.change_cti(alice.id, cti_user="new", cti_pass="canary2", cti_phone="192.0.2.17")
        assert newest()[2] == {"cti_pass_sealed": ["•••", "•••"]}
        accounts.remove_cti_pass(alice.id)
        assert newest()[:2] == ("cti.password-removed", "alice")

        told = str([(event.changes, event.facts) for event in _events()])
        assert "canary" not in told
        assert "gAAAA" not in told, "what is encrypted stays where it is"


def test_what_changes_nothing_is_not_told(app, alice):
    with app.app_context():
        accounts.change_cti(alice.id, cti_user="alice.cti", cti_pass="", cti_phone="192.0.2.17")

        assert _events() == []


def test_passwords_and_sessions_are_told(app, alice, newest):
    alice.new_client()
    alice.client.submit("/settings/security/sessions/end")
    assert newest()[:2] == ("session.all-ended", "alice")

    new = {"current": alice.password, "new": PASSWORD[::-1], "repeat": PASSWORD[::-1]}
    alice.client.submit("/settings/security/password", new)
    assert newest()[:2] == ("user.password-changed", "alice")


def test_the_first_start_is_told(app, newest):
    with app.app_context():
        token = setup.new_link()
        assert newest()[0] == "setup.link-made"
        setup.first_admin(token, login="root", password=PASSWORD, record={}, language="")

        assert [event.action for event in _events()][1:] == ["setup.done", "user.added"]
        assert token not in str([(event.subject, event.facts) for event in _events()])


def test_a_call_is_told_with_its_phone_and_without_the_end_of_its_number(app, alice):
    with app.app_context():
        phones.save_default(_phone())
        call = calls.place(of_login("alice"), "+49 361 30262-422", "", calls.new_click_token()).call

        event = _events()[-1]
        assert (event.action, event.subject) == ("call.placed", "+4936130262•••")
        assert event.facts == {"phone": "Desk", "call": call.id}


def test_one_click_is_told_once(app, alice):
    with app.app_context():
        phones.save_default(_phone())
        token = calls.new_click_token()
        for _ in range(3):
            calls.place(of_login("alice"), "201", "", token)

        assert [event.action for event in _events()].count("call.placed") == 1


def test_a_call_that_is_refused_is_told_with_the_reason(app, alice, newest):
    with app.app_context():
        phones.save_default(_phone())
        db.session.get_one(User, alice.id).may_dial = False
        db.session.commit()

    token = calls.new_click_token()
    answer = alice.client.submit("/dial", {"number": "0361302", "click_token": token})

    assert answer.status_code == 403
    assert newest()[0::3] == ("call.refused", {"phone": "Desk", "reason": "may-not-dial"})
    with app.app_context():
        assert (_events()[-1].actor_name, _events()[-1].subject) == (
            "Alice Ärmel & Söhne",
            "0361•••",
        )


def test_who_opens_what_is_closed_is_told(app, alice, newest):
    assert alice.client.get("/admin/users/1").status_code == 403
    assert newest()[:2] == ("access.refused", "GET /admin/users/<int:user_id>")

    alice.client.post("/settings/security/password")
    assert newest()[1::2] == ("POST /settings/security/password", {"reason": "csrf"})
    with app.app_context():
        assert {event.actor_id for event in _events()} == {alice.id}


def test_visitors_cannot_fill_the_trail(app, client):
    client.get("/admin/users")
    client.post("/login")
    client.get("/nowhere")

    with app.app_context():
        assert _events() == []


@on_sqlite
def test_backups_and_rotations_are_told(app, tmp_path, newest):
    run = app.test_cli_runner().invoke
    run(args=["backup", str(tmp_path / "copy.db")])
    assert newest()[:2] == ("backup.saved", "copy.db")

    run(args=["keys", "rotate"])
    assert newest()[0] == "keys.rotated"


def test_periods_of_retention_are_told(app, newest):
    with app.app_context():
        retention.change(Periods(calls=7))

    assert newest()[0::2] == ("retention.changed", {"calls": ["30", "7"]})
