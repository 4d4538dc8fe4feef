"""Credentials that a phone system refuses are not sent to it again and again."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, text

from portal import accounts, calls, credentials, phones
from portal.calls import Mend
from portal.database import now
from portal.dialing.outcome import Outcome
from portal.dialing.template import OpenMode, parse
from portal.errors import InvalidError
from portal.extensions import db
from portal.identity import of_login
from portal.models import CallState, CredentialRefusal
from portal.phones import Draft
from tests.support.calls import as_it_is, hold_back, make_call
from tests.support.faults import answers, phone_system_that
from tests.support.targets import allow_target_of

CANARY = "canary-7d02"
TARGET = "pbx.example:443"
URL = "https://pbx.example/?u=<#CTI_USER#>&p=<#CTI_PASS#>&n=<#NUMBER#>"
REFUSED = Outcome("credentials", 401)
ACCEPTED = Outcome("accepted", 200)


@pytest.fixture(autouse=True)
def _in_context(app, alice, bob):
    with app.app_context():
        for person in (alice, bob):
            accounts.change_cti(person.id, cti_user="cti", cti_pass=CANARY, cti_phone="")
        yield


def login_of(person, url=URL, target=TARGET):
    login = credentials.login_of(of_login(person.login), _template(url), target)
    db.session.rollback()
    return login


def refuse(person, times=1, target=TARGET):
    for _ in range(times):
        credentials.learn(login_of(person, target=target), REFUSED)


def are_paused(person, **others):
    return credentials.are_paused(login_of(person, **others))


def _template(url):
    return parse(url, OpenMode.SERVER, extra_schemes=frozenset(), secrets_allowed=False)


def later(seconds):
    return time_machine.travel(now() + timedelta(seconds=seconds), tick=False)


# When they are not sent any more


def test_after_three_refusals_in_a_row_they_are_not_sent(alice):
    refuse(alice, 2)
    assert not are_paused(alice)

    refuse(alice)

    assert are_paused(alice)


def test_others_and_other_phone_systems_are_not_concerned(alice, bob):
    refuse(alice, 3)

    assert not are_paused(bob)
    assert not are_paused(alice, target="other.example:443")


@pytest.mark.parametrize(
    "change", [{"cti_pass": "another"}, {"cti_user": "another"}], ids=["password", "user"]
)
def test_other_credentials_are_sent_at_once(alice, change):
    refuse(alice, 3)
    whole = {"cti_user": "cti", "cti_pass": CANARY, "cti_phone": "", **change}

    accounts.change_cti(alice.id, **whole)

    assert not are_paused(alice)
    refuse(alice, 2)
    assert not are_paused(alice)


def test_the_same_credentials_entered_again_stay_the_same(alice):
    refuse(alice, 3)

    accounts.change_cti(alice.id, cti_user="cti", cti_pass=CANARY, cti_phone="201")

    assert are_paused(alice)


def test_acceptance_begins_the_count_anew(alice):
    refuse(alice, 2)
    credentials.learn(login_of(alice), ACCEPTED)
    assert db.session.scalars(select(CredentialRefusal)).all() == []
    db.session.rollback()

    refuse(alice, 2)

    assert not are_paused(alice)


@pytest.mark.parametrize("kind", ["server-error", "answer-timeout", "not-found"])
def test_what_is_no_acceptance_changes_nothing(alice, kind):
    refuse(alice, 2)

    credentials.learn(login_of(alice), Outcome(kind))

    refuse(alice)
    assert are_paused(alice)


def test_after_a_quarter_of_an_hour_they_are_sent_once_more(alice):
    refuse(alice, 3)

    with later(14 * 60):
        assert are_paused(alice)
    with later(16 * 60):
        assert not are_paused(alice)
        refuse(alice)
        assert are_paused(alice)


def test_both_numbers_are_settings(make_app, alice):
    with make_app(credential_refusals=1, credential_pause=60).app_context():
        refuse(alice)

        assert are_paused(alice)
        with later(61):
            assert not are_paused(alice)


def test_it_holds_in_every_process(make_app, alice):
    refuse(alice, 3)

    with make_app().app_context():
        assert are_paused(alice)


# What is known of them


@pytest.mark.parametrize(
    "url", ["https://pbx.example/<#NUMBER#>", "https://pbx.example/<#CTI_PHONE#>/<#NUMBER#>"]
)
def test_a_url_without_credentials_has_none_to_refuse(alice, url):
    assert login_of(alice, url) is None


def test_what_is_kept_tells_nothing_about_them(alice, bob):
    refuse(alice)
    refuse(bob)

    rows = db.session.execute(text("SELECT * FROM credential_refusals")).all()
    marks = {row.mark for row in rows}
    assert len(marks) == 2  # the same credentials of two people
    assert all(len(mark) == 64 for mark in marks)
    assert CANARY not in str(rows)


def test_another_key_of_the_portal_makes_another_mark(make_app, alice):
    mark = login_of(alice).mark

    with make_app(secret_key="another-" * 8).app_context():
        assert login_of(alice).mark != mark


# Real calls


@pytest.fixture
def phone_system_with(request):
    """Make the phone system that refuses all credentials the default phone."""
    with phone_system_that(answers(request.param)) as system:
        url = system.url("/?u=<#CTI_USER#>&p=<#CTI_PASS#>&n=<#NUMBER#>")
        allow_target_of(url)
        phones.save_default(Draft("Desk phones", url))
        yield system


@pytest.mark.parametrize("phone_system_with", [401, 403], indirect=True)
def test_a_phone_system_gets_wrong_credentials_three_times(alice, bob, phone_system_with):
    for number in ("201", "202", "203"):
        assert make_call(alice.login, number).outcome == "credentials"

    with pytest.raises(InvalidError, match=r"3 times in a row.*under Security"):
        make_call(alice.login, "204")

    assert len(phone_system_with.requests) == 3
    assert make_call(bob.login, "204").outcome == "credentials"
    accounts.change_cti(alice.id, cti_user="cti", cti_pass="mended", cti_phone="")
    assert make_call(alice.login, "204").outcome == "credentials"
    assert len(phone_system_with.requests) == 5


@pytest.mark.parametrize("phone_system_with", [401], indirect=True)
def test_the_preview_names_the_page_to_correct_them(alice, phone_system_with):
    refuse(alice, 3, target=f"127.0.0.1:{phone_system_with.port}")
    caller = of_login(alice.login)

    plan = calls.plan(caller, "201", phones.for_caller(caller))

    (problem,) = plan.problems
    assert (problem.error.kind, problem.mend) == ("credentials-paused", Mend.SECURITY)
    assert "in 15 min at the earliest" in str(problem.error)


@pytest.mark.parametrize("phone_system_with", [401], indirect=True)
def test_a_call_that_was_on_its_way_is_not_sent(app, alice, phone_system_with, monkeypatch):
    waiting = hold_back(app, monkeypatch)
    caller = of_login(alice.login)
    call_id = calls.place(caller, "201", "", calls.new_click_token()).call.id
    refuse(alice, 3, target=f"127.0.0.1:{phone_system_with.port}")

    waiting[0].run()

    assert (as_it_is(call_id).state, as_it_is(call_id).outcome) == (
        CallState.FAILED,
        "credentials-paused",
    )
    assert phone_system_with.connections == 0


@pytest.mark.parametrize("phone_system_with", [200], indirect=True)
def test_credentials_that_are_accepted_leave_no_trace(alice, phone_system_with):
    refuse(alice, 2, target=f"127.0.0.1:{phone_system_with.port}")

    assert make_call(alice.login, "201").state is CallState.ACCEPTED

    assert db.session.scalars(select(CredentialRefusal)).all() == []
