"""Everybody gets all that the portal knows of them, and nothing of anybody else."""

import json

import pytest

from portal import accounts, calls, own_data, phones, trail
from portal.dialing.template import OpenMode
from portal.extensions import db
from portal.identity import of_login
from portal.models import User
from portal.phones import Draft
from portal.trail import Filter
from tests.support import people

NUMBER = "+4936130262422"
SECRET = "canary-of-alice"


@pytest.fixture
def eventful(app, ada, alice, bob):
    """Alice and Bob have phones, credentials, calls and sessions."""
    with app.app_context():
        phones.save_default(Draft("Desk", "callto:<#NUMBER#>", open_mode=OpenMode.CLIENT))
        for person, number in ((alice, NUMBER), (bob, "+4930901820")):
            accounts.change_cti(person.id, cti_user="cti", cti_pass=SECRET, cti_phone="101")
            url = "https://pbx.example/?key=canary-of-url&n=<#NUMBER#>"
            phones.create(person.id, Draft(f"Of {person.login}", url, open_mode=OpenMode.CLIENT))
            calls.place(of_login(person.login), number, "", calls.new_click_token())
    ada.client.submit(f"/admin/users/{alice.id}/account", {"login": "alice", "role": "user"})
    alice.new_client()


def test_it_is_everything_about_oneself(app, alice, eventful):
    with app.app_context():
        data = own_data.collect(alice.id)

    assert {name: data["record"][name] for name in ("login", "surname", "mobile")} == {
        name: people.ALICE[name] for name in ("login", "surname", "mobile")
    }
    assert data["account"]["id"] == alice.id
    assert data["cti"]["user"] == "cti"
    assert data["cti"]["password_set_at"]
    assert [phone["name"] for phone in data["phones"]] == ["Of alice"]
    assert [(call["number"], call["phone"]) for call in data["calls"]] == [(NUMBER, "Desk")]
    assert len(data["sessions"]) == 1
    actions = {event["action"] for event in data["events"]}
    assert actions == {"user.changed", "cti.changed", "phone.added"}


def test_a_number_in_the_trail_is_short_even_for_oneself(app, alice):
    with app.app_context():
        phones.save_default(Draft("Desk", "callto:<#NUMBER#>", open_mode=OpenMode.CLIENT))
    form = {"number": NUMBER, "click_token": "x" * 20}
    alice.client.submit("/dial", form)

    with app.app_context():
        events = own_data.collect(alice.id)["events"]

    assert [(event["action"], event["subject"]) for event in events] == [
        ("call.placed", "+4936130262•••")
    ]


def test_no_secret_and_nothing_of_others_is_in_it(app, alice, eventful):
    with app.app_context():
        text = json.dumps(own_data.collect(alice.id), ensure_ascii=False)
        user = db.session.get_one(User, alice.id)

        for hidden in ("canary", user.password_hash, user.cti_pass_sealed, "token_hash"):
            assert hidden not in text
    for of_bob in ("4930901820", "Of bob", "bob"):
        assert of_bob not in text


def test_where_an_administrator_was_is_not_told(app, alice, eventful):
    with app.app_context():
        events = own_data.collect(alice.id)["events"]

    by_ada = [event for event in events if event["by"] == "Ada Lovelace"]
    assert [event["address"] for event in by_ada] == [""]


def test_the_page_gives_it_as_a_file(app, alice, eventful):
    answer = alice.client.submit("/settings/privacy")

    assert answer.mimetype == "application/json"
    assert 'filename="click2dial.json"' in answer.headers["Content-Disposition"]
    assert json.loads(answer.text)["record"]["surname"] == "Ärmel & Söhne"
    with app.app_context():
        newest = trail.search(Filter()).items[0]
        assert (newest.action, newest.actor_id) == ("user.data-exported", alice.id)


def test_the_page_says_what_is_kept_and_how_long(alice):
    page = alice.client.get("/settings/privacy").text

    assert "for 30 days." in page
    assert "for 365 days." in page
