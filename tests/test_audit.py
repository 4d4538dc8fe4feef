"""The audit trail: who did what, in the same transaction as the deed."""

from sqlalchemy import select

from portal import audit, targets
from portal.audit import Action
from portal.extensions import db
from portal.models import AuditEvent, Target, User


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
