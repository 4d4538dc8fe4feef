"""The pages of the audit trail: read, searched, saved as a file, and kept for so long."""

import csv
import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import audit, retention, trail
from portal.audit import Action, Actor
from portal.database import now
from portal.extensions import db
from portal.models import AuditEvent
from portal.retention import Periods
from portal.trail import Filter
from portal.web import audit_event
from tests.support.databases import on_sqlite
from tests.test_templates import FOLDER

PATH = "/admin/audit"
KEPT = "/admin/audit/retention"


@pytest.fixture
def told(app, alice, bob):
    """A trail with a bit of everything."""

    def tell(who, address, action, subject, *, days_ago=0, changes=None, **facts):
        audit.actor.set(Actor(who.id, who.login, address) if who else audit.CONSOLE)
        audit.record(action, subject, changes=changes, **facts)
        db.session.flush()
        event = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
        event.at = now() - timedelta(days=days_ago)
        db.session.commit()

    with app.app_context():
        url = ("https://a.example/", "https://b.example/<script>")
        tell(None, "", Action.KEYS_ROTATED, "", days_ago=200, secrets=3)
        tell(alice, "192.0.2.1", Action.CALL_PLACED, "0361•••", days_ago=20, phone="Küche")
        tell(alice, "192.0.2.1", Action.CALL_REFUSED, "0900•••", days_ago=3, reason="forbidden")
        tell(bob, "192.0.2.2", Action.HANDLER_CHANGED, "anlage://", changes={"url": url})
        tell(bob, "192.0.2.2", Action.USER_ADDED, '=HYPERLINK("evil")')
        audit.actor.set(audit.CONSOLE)


def _actions(answer):
    return re.findall(r'data-action="([^"]+)"', answer.text)


NEWEST_FIRST = ["user.added", "handler.changed", "call.refused", "call.placed", "keys.rotated"]


def test_it_lists_what_happened_newest_first(ada, told):
    page = ada.client.get(PATH)

    assert _actions(page) == NEWEST_FIRST
    assert "5 events" in page.text
    text = html.unescape(page.text)
    assert "https://b.example/<script>" in text
    assert "bob · 192.0.2.2" in text
    assert "Reason: no right to do this" in text
    assert "Console" in text


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        ({"who": "ALI"}, ["call.refused", "call.placed"]),
        ({"text": "anlage"}, ["handler.changed"]),
        ({"text": "a.example"}, ["handler.changed"]),
        ({"text": "küche"}, ["call.placed"]),
        ({"text": "192.0.2.2"}, ["user.added", "handler.changed"]),
        ({"text": "192.0.2.2 anlage"}, ["handler.changed"]),
        ({"text": "%"}, []),
        ({"area": "calls"}, ["call.refused", "call.placed"]),
        ({"area": "users"}, ["user.added"]),
        ({"area": "click2dial"}, ["handler.changed"]),
        ({"area": "refusals"}, ["call.refused"]),
        ({"area": "others"}, ["keys.rotated"]),
        ({"period": "day"}, ["user.added", "handler.changed"]),
        ({"period": "week"}, ["user.added", "handler.changed", "call.refused"]),
        ({"period": "month", "area": "calls", "text": "0361"}, ["call.placed"]),
        ({"area": "nonsense", "period": "nonsense", "page": "nonsense"}, NEWEST_FIRST),
        ({"text": "\0", "who": "\0"}, NEWEST_FIRST),
    ],
)
def test_it_can_be_narrowed_down(ada, told, query, actions):
    assert _actions(ada.client.get(PATH, query_string=query)) == actions

    fragment = ada.client.get(PATH, query_string=query, htmx=True)
    assert _actions(fragment) == actions
    assert "<html" not in fragment.text


def test_an_empty_trail_and_an_empty_search_say_so(ada):
    assert "Nothing has happened yet" in ada.client.get(PATH).text
    assert "No event found" in ada.client.get(f"{PATH}?text=4711").text


def test_long_trails_have_pages_that_keep_the_search(app, ada):
    with app.app_context():
        for number in range(120):
            audit.record(Action.SCHEME_ADDED, f"scheme{number}:")
        db.session.commit()

    pages = [ada.client.get(f"{PATH}?text=scheme&page={page}") for page in (1, 2, 3)]

    assert [len(_actions(page)) for page in pages] == [50, 50, 20]
    assert 'href="/admin/audit?text=scheme&amp;page=2"' in pages[0].text
    assert "scheme119:" in pages[0].text
    assert "scheme0:" in pages[2].text


def _rows(answer):
    return list(csv.reader(answer.text.lstrip("\ufeff").splitlines(), delimiter=";"))


def test_the_file_has_what_was_found_and_no_formula(ada, told):
    answer = ada.client.submit(f"{PATH}?who=bob")

    assert answer.mimetype == "text/csv"
    assert 'filename="audit.csv"' in answer.headers["Content-Disposition"]
    header, *rows = _rows(answer)
    assert header == ["Time", "Who", "Address", "What", "Subject", "Details"]
    assert [row[1:5] for row in rows] == [
        ["bob", "192.0.2.2", "User added", '\'=HYPERLINK("evil")'],
        ["bob", "192.0.2.2", "CTI handler changed", "anlage://"],
    ]
    assert rows[1][5] == "URL: https://a.example/ → https://b.example/<script>"


def test_that_the_trail_was_saved_stands_in_the_trail(app, ada, told):
    ada.client.submit(f"{PATH}?who=bob&period=week")

    with app.app_context():
        newest = trail.search(Filter()).items[0]
        assert (newest.action, newest.actor_id) == ("audit.exported", ada.id)
        assert newest.facts == {"who": "bob", "period": "week"}


def test_a_file_is_whole_however_long_it_is(app, ada, monkeypatch):
    monkeypatch.setattr(trail, "_BATCH", 7)
    moment = now() - timedelta(minutes=1)
    with app.app_context():
        for number in range(50):
            db.session.add(
                AuditEvent(
                    action="scheme.added",
                    subject=f"scheme{number}",
                    at=moment + timedelta(seconds=number // 5),  # several at one moment
                )
            )
        db.session.commit()

    rows = _rows(ada.client.submit(f"{PATH}?area=click2dial"))

    assert [row[4] for row in rows[1:]] == [f"scheme{number}" for number in reversed(range(50))]


def test_a_slow_reader_of_the_file_keeps_nobody_from_writing(app, ada, told):
    answer = ada.client.submit(PATH, buffered=False)
    chunks = iter(answer.response)
    next(chunks), next(chunks)

    with app.app_context():
        audit.record(Action.SCHEME_ADDED, "meanwhile:")
        db.session.commit()

    rest = b"".join(chunks).decode()
    answer.close()
    assert rest.count("\r\n") == 5
    assert "meanwhile" not in rest, "it is newer than where the file has got to"


@on_sqlite
def test_every_action_has_words_and_a_picture(app):
    sprite = (FOLDER.parent / "static" / "vendor" / "lucide-1.62.0.svg").read_text()

    assert set(Action) <= set(audit_event._ACTIONS)
    for action, (_words, icon) in audit_event._ACTIONS.items():
        assert f'<symbol id="{icon}"' in sprite, action


@on_sqlite
def test_an_action_of_a_newer_version_is_shown_by_its_name(app, ada):
    with app.app_context():
        db.session.add(AuditEvent(action="moon.landed", facts={"crew": 3}))
        db.session.commit()

    page = ada.client.get(PATH).text

    assert "moon.landed" in page
    assert "crew: 3" in page


# How long it is kept


def test_periods_are_changed_on_the_page(app, ada):
    assert 'value="30"' in ada.client.get(KEPT).text

    answer = ada.client.submit(KEPT, {"calls": "0", "audit": "3650"})

    assert answer.location == KEPT
    with app.app_context():
        assert retention.periods() == Periods(calls=0, audit=3650)


@pytest.mark.parametrize(
    ("entered", "sentence"),
    [
        ({"calls": "181", "audit": "365"}, "Enter a number of days from 0 to 180."),
        ({"calls": "-1", "audit": "365"}, "Enter a number of days from 0 to 180."),
        ({"calls": "30", "audit": "29"}, "Enter a number of days from 30 to 3650."),
        ({"calls": "", "audit": "365"}, "Enter a number of days."),
        ({"calls": "a week", "audit": "365"}, "Not a valid integer value."),
    ],
)
@on_sqlite
def test_periods_beyond_the_limits_are_refused_at_their_field(app, ada, entered, sentence):
    answer = ada.client.submit(KEPT, entered)

    assert answer.status_code == 422
    assert sentence in answer.text
    with app.app_context():
        assert retention.periods() == Periods()


@on_sqlite
def test_the_page_says_when_was_deleted_last(app, ada):
    assert "due within a few minutes" in ada.client.get(KEPT).text

    with app.app_context():
        retention.purge_if_due()

    assert "due within a few minutes" not in ada.client.get(KEPT).text
