"""Calls: planned, made once, followed to their end, found again."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, text
from werkzeug import Response

from portal import accounts, calls, handlers, phones, targets
from portal.calls import Filter, Mend
from portal.database import now
from portal.dialing.connector import practice
from portal.dialing.dispatch import Capacity, Dispatcher
from portal.dialing.number import NumberFormat
from portal.dialing.outcome import Outcome
from portal.dialing.target import parse_entry
from portal.dialing.template import MASK, OpenMode
from portal.errors import ConflictError, DialError, ForbiddenError, InvalidError, NotFoundError
from portal.extensions import db
from portal.handlers import HandlerDraft
from portal.identity import of_login
from portal.keyring import KeyringError
from portal.models import Call, CallState, Handler, User
from portal.phones import Draft
from portal.targets import Decision
from tests.support.processes import free_port, wait_for
from tests.support.targets import allow_target_of

NUMBER = "+49 (0)361 30262-422"
CLEANED = "+4936130262422"
CANARY = "canary-5e1d"


@pytest.fixture(autouse=True)
def _in_context(app, alice, bob):
    with app.app_context():
        targets.allow("pbx.example")
        targets.allow("examplephonesystem.de")
        yield


@pytest.fixture
def caller(alice):
    return of_login(alice.login)


def _default_phone(url, **others):
    allow_target_of(url)
    return phones.save_default(Draft("Desk phones", url, **others))


def _plan(caller, number=NUMBER, key=""):
    return calls.plan(caller, number, phones.for_caller(caller, key))


def _place(caller, number=NUMBER, key="", click_token=""):
    return calls.place(caller, number, key, click_token or calls.new_click_token())


def _call(call_id):
    """Read a call as others see it now."""
    db.session.rollback()
    call = db.session.get_one(Call, call_id, populate_existing=True)
    db.session.expunge(call)
    db.session.rollback()
    return call


def _settled(call_id):
    """Wait until nothing more will come of a call."""
    wait_for(lambda: calls.is_settled(_call(call_id)), "the call to be settled")
    return _call(call_id)


def _number_of_calls():
    return len(db.session.scalars(select(Call.id)).all())


def _kinds(plan):
    return [(problem.error.kind, problem.mend) for problem in plan.problems]


# What would happen


def test_the_example_of_the_design_holds(caller):
    handlers.create(HandlerDraft("anlage", "https://examplephonesystem.de/api/addcall.php?number="))
    _default_phone("anlage://<#NUMBER#>")

    plan = _plan(caller, "004936130262422")

    assert plan.problems == ()
    assert plan.ready().url == (
        "https://examplephonesystem.de/api/addcall.php?number=004936130262422"
    )
    assert [step.name for step in plan.resolution.steps] == ["anlage"]


def test_plan_tells_how_the_number_is_dialled(caller):
    _default_phone(
        "https://pbx.example/<#NUMBER#>",
        number_format=NumberFormat.INTERNATIONAL_00,
        outside_prefix="0",
    )

    plan = _plan(caller)

    assert (plan.number, plan.formatted) == (CLEANED, "0004936130262422")
    assert (plan.info.display, plan.info.region) == ("+49 361 30262422", "DE")


def test_plan_masks_the_password_and_opens_no_secret_just_to_be_shown(alice, caller):
    _default_phone("https://pbx.example/?u=<#CTI_USER#>&p=<#CTI_PASS#>&n=<#NUMBER#>")
    accounts.change_cti(alice.id, cti_user="a", cti_pass=CANARY, cti_phone="")
    plan = _plan(of_login(alice.login))

    assert plan.problems == ()
    assert plan.ready().masked == f"https://pbx.example/?u=a&p={MASK}&n=%2B4936130262422"
    assert CANARY not in plan.ready().url


def test_values_of_the_one_call_are_stood_in_for(caller):
    _default_phone("https://pbx.example/?t=<#SESSID#>&c=<#CALLID#>&n=<#NUMBER#>")

    plan = _plan(caller, "201")

    nobody = "00000000-0000-0000-0000-000000000000"
    assert plan.ready().masked == f"https://pbx.example/?t={MASK}&c={nobody}&n=201"


def test_every_missing_value_is_reported_with_the_page_that_mends_it(bob):
    _default_phone("https://pbx.example/<#CTI_USER#>/<#CTI_PASS#>?m=<#mobile#>&n=<#NUMBER#>")

    plan = _plan(of_login(bob.login))

    assert _kinds(plan) == [
        ("missing-value", Mend.SECURITY),
        ("missing-value", Mend.SECURITY),
        ("missing-value", Mend.PROFILE),
    ]
    assert plan.missing == {"CTI_USER", "CTI_PASS", "mobile"}
    with pytest.raises(DialError, match="CTI_USER"):
        plan.ready()


def test_a_wrong_number_and_a_missing_value_are_both_reported(bob):
    _default_phone("https://pbx.example/<#CTI_USER#>?n=<#NUMBER#>")

    plan = _plan(of_login(bob.login), "0361 Kaiser")

    assert _kinds(plan) == [("letters", Mend.NUMBER), ("missing-value", Mend.SECURITY)]
    assert plan.info is None


def test_without_a_number_the_way_is_known_all_the_same(caller):
    plan = _plan(caller, "")

    assert _kinds(plan) == [("empty", Mend.NUMBER)]
    assert plan.missing == {"NUMBER"}
    assert plan.expansion is not None


@pytest.mark.parametrize("value", ["phone.example/x", "10.0.0.1:80", ".."])
def test_a_value_that_does_not_fit_is_mended_where_it_comes_from(alice, value):
    _default_phone("http://<#CTI_PHONE#>/dial?n=<#NUMBER#>")
    accounts.change_cti(alice.id, cti_user="", cti_pass=None, cti_phone=value)

    plan = _plan(of_login(alice.login))

    assert _kinds(plan) == [("bad-host-value", Mend.SECURITY)]


@pytest.mark.parametrize(
    ("person", "mend"), [("alice", Mend.ADMINISTRATOR), ("ada", Mend.DEFAULT_PHONE)]
)
def test_a_broken_default_phone_is_mended_by_administrators(request, person, mend):
    who = request.getfixturevalue(person)
    handlers.create(HandlerDraft("anlage", "https://pbx.example/?n="))
    _default_phone("anlage://<#NUMBER#>")
    db.session.delete(db.session.scalars(select(Handler)).one())
    db.session.commit()

    plan = _plan(of_login(who.login))

    assert _kinds(plan) == [("unknown-handler", mend)]
    assert plan.template is None


def test_a_broken_own_phone_is_mended_by_its_owner_who_may(alice):
    user = db.session.get_one(User, alice.id)
    user.may_manage_phones = True
    phone = phones.create(alice.id, Draft("Desk", "https://pbx.example/<#NUMBER#>"))
    phone.url = "gone://<#NUMBER#>"
    db.session.commit()

    plan = _plan(of_login(alice.login), key=str(phone.id))

    assert _kinds(plan) == [("unknown-handler", Mend.OWN_PHONES)]


def test_without_the_right_to_dial_nothing_can_be_called(alice):
    db.session.get_one(User, alice.id).may_dial = False
    db.session.commit()
    caller = of_login(alice.login)

    assert _kinds(_plan(caller)) == [("may-not-dial", Mend.ADMINISTRATOR)]
    with pytest.raises(ForbiddenError):
        _place(caller)
    assert _number_of_calls() == 0


def test_an_unreadable_password_refuses_the_call_in_words(alice, phone_system):
    _default_phone(phone_system.url_for("/<#CTI_PASS#>?n=<#NUMBER#>"))
    db.session.get_one(User, alice.id).cti_pass_sealed = "sealed with a lost key"
    db.session.commit()

    with pytest.raises(KeyringError):
        _place(of_login(alice.login))

    assert _number_of_calls() == 0


@pytest.mark.parametrize(
    ("number", "link"),
    [
        ("036130262422", "tel:+4936130262422"),
        ("201", "tel:201"),
        ("*21*0171#", "tel:*21*0171%23"),
    ],
)
def test_tel_link_is_for_any_phone_program(number, link):
    assert calls.tel_link(number) == link


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://closed.example/<#NUMBER#>", "not-on-allow-list"),
        ("https://pbx.example:8443/<#NUMBER#>", "port-not-allowed"),
        ("http://<#CTI_PHONE#>/<#NUMBER#>", "not-on-allow-list"),
    ],
)
@pytest.mark.parametrize(("person", "mend"), [("alice", Mend.ADMINISTRATOR), ("ada", Mend.TARGETS)])
def test_a_target_that_is_not_allowed_refuses_the_call(request, url, kind, person, mend):
    login = request.getfixturevalue(person).login
    db.session.scalars(select(User).where(User.login == login)).one().cti_phone = "192.0.2.17"
    db.session.commit()
    phones.save_default(Draft("Desk phones", url), Decision(leave_closed=True))

    plan = _plan(of_login(login))

    assert _kinds(plan) == [(kind, mend)]
    with pytest.raises(DialError, match="dministrator"):
        _place(of_login(login))
    assert _number_of_calls() == 0


def test_a_missing_host_is_no_target(bob):
    phones.save_default(Draft("Desk phones", "http://<#CTI_PHONE#>/<#NUMBER#>"))

    assert _kinds(_plan(of_login(bob.login))) == [("missing-value", Mend.SECURITY)]


def test_what_browsers_open_needs_no_permission(caller):
    _default_phone("callto:<#NUMBER#>", open_mode=OpenMode.CLIENT)
    phones.save_default(Draft("Web", "https://closed.example/<#NUMBER#>", OpenMode.WINDOW))

    assert _plan(caller).problems == ()


def test_a_target_that_is_removed_is_closed_from_the_next_call_on(caller):
    target = targets.allow("gone.example")
    phones.save_default(Draft("Desk phones", "https://gone.example/<#NUMBER#>"))
    assert _plan(caller).problems == ()

    targets.remove(target.id)

    assert _kinds(_plan(caller)) == [("not-on-allow-list", Mend.ADMINISTRATOR)]


# Making a call


def test_a_call_is_committed_before_anything_is_sent(app, caller, phone_system):
    seen = []

    def answer(_request):
        with app.app_context():
            seen.append(db.session.scalars(select(Call)).one().state)
        return Response("ok")

    phone_system.expect_oneshot_request("/call").respond_with_handler(answer)
    _default_phone(phone_system.url_for("/call?n=<#NUMBER#>"))

    placed = _place(caller)

    assert (placed.is_new, placed.url, placed.call.state) == (True, "", CallState.NEW)
    call = _settled(placed.call.id)
    assert seen == [CallState.SENDING]
    assert (call.state, call.outcome, call.status_code) == (CallState.ACCEPTED, "accepted", 200)
    assert list(call.times) == ["new", "sending", "accepted"]


def test_what_is_sent_is_what_was_shown(alice, phone_system):
    accounts.change_cti(alice.id, cti_user="al", cti_pass=CANARY, cti_phone="")
    url = phone_system.url_for("/call?u=<#CTI_USER#>&p=<#CTI_PASS#>&c=<#CALLID#>&n=<#NUMBER#>")
    _default_phone(url)
    phone_system.expect_oneshot_request("/call").respond_with_data("ok")

    call = _settled(_place(of_login(alice.login)).call.id)

    request, _answer = phone_system.log[-1]
    assert dict(request.args) == {"u": "al", "p": CANARY, "c": call.id, "n": CLEANED}
    assert call.masked_url == phone_system.url_for(
        f"/call?u=al&p={MASK}&c={call.id}&n=%2B4936130262422"
    )


def test_no_secret_is_kept(alice, phone_system):
    accounts.change_cti(alice.id, cti_user="al", cti_pass=CANARY, cti_phone="")
    _default_phone(phone_system.url_for("/<#CTI_PASS#>/<#SESSID#>?n=<#NUMBER#>"))
    tokens = []

    def answer(request):
        tokens.append(request.path.split("/")[-1])
        return Response("ok")

    phone_system.expect_oneshot_request(re.compile("/.*")).respond_with_handler(answer)

    placed = _place(of_login(alice.login))
    wait_for(lambda: not _call(placed.call.id).state.in_flight, "the answer")

    row = str(db.session.execute(text("SELECT * FROM calls")).one())
    assert len(tokens[0]) >= 43
    assert tokens[0] not in row
    assert CANARY not in row + repr(placed)


@pytest.mark.parametrize(
    ("status", "state", "outcome"),
    [
        (204, CallState.ACCEPTED, "accepted"),
        (302, CallState.FAILED, "redirect-not-followed"),
        (400, CallState.FAILED, "request-refused"),
        (401, CallState.FAILED, "credentials"),
        (403, CallState.FAILED, "credentials"),
        (404, CallState.FAILED, "not-found"),
        (500, CallState.FAILED, "server-error"),
        (999, CallState.FAILED, "not-http"),
    ],
)
def test_the_status_of_the_answer_decides(caller, phone_system, status, state, outcome):
    phone_system.expect_oneshot_request("/call").respond_with_data("", status)
    _default_phone(phone_system.url_for("/call?n=<#NUMBER#>"))

    call = _settled(_place(caller).call.id)

    assert (call.state, call.outcome, call.status_code) == (state, outcome, status)


def test_a_target_that_is_removed_while_the_call_waits_is_not_contacted(
    app, caller, phone_system, monkeypatch
):
    _default_phone(phone_system.url_for("/<#NUMBER#>"))
    waiting = []
    monkeypatch.setattr(Dispatcher, "submit", lambda _self, job: waiting.append(job.run))
    call = _place(caller).call
    entry = parse_entry(f"127.0.0.1:{phone_system.port}")
    targets.remove(targets.add(entry, reason="", by=None).id)
    db.session.rollback()

    waiting[0]()

    assert (_call(call.id).state, _call(call.id).outcome) == (
        CallState.FAILED,
        "address-never-allowed",
    )
    assert phone_system.log == []


def test_a_phone_system_that_is_not_there_fails_the_call(caller):
    _default_phone(f"http://127.0.0.1:{free_port()}/<#NUMBER#>")

    call = _settled(_place(caller).call.id)

    assert (call.state, call.outcome) == (CallState.FAILED, "connection-refused")


@pytest.mark.parametrize("mode", [OpenMode.CLIENT, OpenMode.WINDOW])
def test_the_browser_gets_the_url_to_open_and_the_server_sends_nothing(caller, mode):
    _default_phone("callto:<#NUMBER#>", open_mode=mode)

    placed = _place(caller)

    assert (placed.url, placed.call.masked_url) == (f"callto:{CLEANED}", f"callto:{CLEANED}")
    call = _call(placed.call.id)
    assert (call.state, calls.is_settled(call)) == (CallState.HANDED_OVER, True)


def test_a_call_handed_over_can_be_opened_again_for_some_minutes(caller):
    _default_phone("callto:<#NUMBER#>", open_mode=OpenMode.CLIENT)
    call = _place(caller).call

    assert calls.link_of(call) == f"callto:{CLEANED}"
    with time_machine.travel(now() + timedelta(minutes=11)):
        assert calls.link_of(call) == ""


def test_a_link_with_a_secret_is_not_given_again(alice):
    accounts.change_cti(alice.id, cti_user="", cti_pass=CANARY, cti_phone="")
    _default_phone("sip:<#NUMBER#>?p=<#CTI_PASS#>", open_mode=OpenMode.CLIENT, secrets_allowed=True)

    placed = _place(of_login(alice.login))

    assert CANARY in placed.url
    assert calls.link_of(placed.call) == ""


# Once


def test_the_same_click_calls_once(caller, phone_system):
    phone_system.expect_oneshot_request("/call").respond_with_data("ok")
    _default_phone(phone_system.url_for("/call?n=<#NUMBER#>"))
    first = _place(caller, click_token="click-0123456789")
    _settled(first.call.id)

    with time_machine.travel(now() + timedelta(hours=1)):
        second = _place(caller, "+49 361 30262422", click_token="click-0123456789")

    assert (second.is_new, second.url, second.call.id) == (False, "", first.call.id)
    assert _number_of_calls() == 1
    assert len(phone_system.log) == 1


@pytest.mark.parametrize("other", [{"number": "201"}, {"key": "own"}])
def test_a_used_click_calls_nobody_else(alice, caller, other):
    _default_phone("callto:<#NUMBER#>", open_mode=OpenMode.CLIENT)
    own = phones.create(alice.id, Draft("Own", "tel:<#NUMBER#>", open_mode=OpenMode.CLIENT))
    if "key" in other:
        other = {"key": str(own.id)}
    _place(caller, click_token="click-0123456789")

    with pytest.raises(ConflictError):
        _place(caller, click_token="click-0123456789", **other)

    assert _number_of_calls() == 1


def test_a_second_tab_does_not_call_the_same_number_again_at_once(caller):
    _default_phone("callto:<#NUMBER#>", open_mode=OpenMode.CLIENT)
    first = _place(caller)

    second = _place(caller)

    assert (second.is_new, second.call.id) == (False, first.call.id)
    with time_machine.travel(now() + timedelta(seconds=6)):
        assert _place(caller).is_new


def test_a_call_that_failed_can_be_tried_again_at_once(caller):
    _default_phone(f"http://127.0.0.1:{free_port()}/<#NUMBER#>")
    first = _settled(_place(caller).call.id)

    second = _place(caller)

    assert second.is_new
    assert _settled(second.call.id).id != first.id


def test_others_and_other_numbers_are_no_double_click(caller, bob):
    _default_phone("callto:<#NUMBER#>", open_mode=OpenMode.CLIENT)
    _place(caller, "201")

    assert _place(caller, "202").is_new
    assert _place(of_login(bob.login), "201").is_new


@pytest.mark.parametrize("same_token", [True, False])
def test_many_requests_at_once_call_once(app, caller, phone_system, same_token):
    phone_system.expect_request("/call").respond_with_data("ok")
    _default_phone(phone_system.url_for("/call?n=<#NUMBER#>"))
    db.session.rollback()

    def place(_number):
        with app.app_context():
            return _place(caller, click_token="click-0123456789" if same_token else "").call.id

    with ThreadPoolExecutor(8) as browsers:
        call_ids = set(browsers.map(place, range(8)))

    assert len(call_ids) == 1
    _settled(call_ids.pop())
    assert len(phone_system.log) == 1


@pytest.mark.parametrize(
    "click_token", ["", "short", "x" * 65, "click 0123456789", "click-01234\n56789"]
)
def test_a_call_needs_a_click(caller, click_token):
    with pytest.raises(InvalidError):
        calls.place(caller, NUMBER, "", click_token)

    assert _number_of_calls() == 0


def test_when_too_many_wait_the_call_fails_honestly(app, caller):
    _default_phone(f"http://127.0.0.1:{free_port()}/<#NUMBER#>")
    full = Dispatcher(Capacity(workers=0, per_target=1, room=0, patience=1))
    app.extensions["dispatchers"] = {"http": full}

    placed = _place(caller)

    assert (placed.call.state, placed.call.outcome) == (CallState.FAILED, "busy")


def test_a_call_that_waited_too_long_is_not_sent(app, caller, phone_system):
    _default_phone(phone_system.url_for("/call?n=<#NUMBER#>"))
    full = Dispatcher(Capacity(workers=0, per_target=1, room=1, patience=0.1))
    app.extensions["dispatchers"] = {"http": full}

    placed = _place(caller)

    assert placed.call.state is CallState.NEW
    call = _settled(placed.call.id)
    assert (call.state, call.outcome) == (CallState.FAILED, "busy")
    assert phone_system.log == []


# How far a call has come


@pytest.fixture
def call(caller):
    """A call that waits to be sent."""
    _default_phone("callto:<#NUMBER#>", open_mode=OpenMode.CLIENT)
    call = db.session.get_one(Call, _place(caller).call.id)
    call.state, call.times, call.connector = CallState.NEW, {}, "http"
    db.session.commit()
    return _call(call.id)


@pytest.mark.parametrize(
    "way",
    [
        "sending accepted ringing answered ended",
        "sending ringing answered ended",
        "sending failed",
        "sending unknown ringing ended",
        "failed",
        "unknown",
    ],
)
def test_a_call_goes_forward(call, way):
    states = [CallState(word) for word in way.split()]

    assert all(calls.advance(call.id, state) for state in states)

    assert _call(call.id).state is states[-1]
    assert list(_call(call.id).times) == way.split()


@pytest.mark.parametrize(
    ("way", "back"),
    [
        ("sending", "sending"),
        ("sending accepted", "failed"),
        ("sending ringing", "accepted"),
        ("sending failed", "ringing"),
        ("sending unknown", "accepted"),
        ("sending ended", "answered"),
        ("unknown", "sending"),
    ],
)
def test_a_call_never_goes_back(call, way, back):
    for word in way.split():
        calls.advance(call.id, CallState(word))

    assert not calls.advance(call.id, CallState(back))

    assert _call(call.id).state == way.split()[-1]


def test_the_first_outcome_stays(call):
    calls.advance(call.id, CallState.SENDING)
    calls.advance(call.id, CallState.UNKNOWN, Outcome("answer-timeout"))

    calls.advance(call.id, CallState.ACCEPTED, Outcome("accepted", 200))

    assert (_call(call.id).outcome, _call(call.id).status_code) == ("answer-timeout", None)


def test_a_call_that_is_gone_goes_nowhere(call):
    assert not calls.advance("no-such-call", CallState.SENDING)


@pytest.mark.parametrize("state", [CallState.NEW, CallState.SENDING])
def test_an_interrupted_call_becomes_unknown_and_is_never_sent(call, state):
    if state is CallState.SENDING:
        calls.advance(call.id, state)

    with time_machine.travel(now() + timedelta(seconds=20)):
        calls.settle_lost()
        assert _call(call.id).state is state
    with time_machine.travel(now() + timedelta(seconds=30)):
        calls.settle_lost()

    assert (_call(call.id).state, _call(call.id).outcome) == (CallState.UNKNOWN, "lost")
    assert not calls.advance(call.id, CallState.SENDING)


def test_looking_at_an_interrupted_call_settles_it(call, caller):
    with time_machine.travel(now() + timedelta(seconds=30)):
        assert calls.get(caller, call.id).state is CallState.UNKNOWN


def test_the_practice_phone_plays_a_call_and_sends_nothing(caller, monkeypatch):
    monkeypatch.setattr(practice, "PACE", 0.01)

    call = _settled(_place(caller).call.id)

    assert (call.connector, call.state) == ("practice", CallState.ENDED)
    assert list(call.times) == ["new", "sending", "accepted", "ringing", "answered", "ended"]
    assert call.masked_url == "https://phone-system.example/call?user=alice&number=004936130262422"


def test_a_play_that_was_interrupted_is_not_followed_for_ever(call):
    stored = db.session.get_one(Call, call.id)
    stored.connector, stored.state = "practice", CallState.RINGING
    db.session.commit()

    assert not calls.is_settled(_call(call.id))
    with time_machine.travel(now() + timedelta(minutes=1)):
        assert calls.is_settled(_call(call.id))


# Calls made before


@pytest.fixture
def made(caller):
    """Three calls on three days, the newest last."""
    _default_phone("callto:<#NUMBER#>", open_mode=OpenMode.CLIENT)
    ids = []
    for number, age in (("+4936130262422", 40), ("0171 1234567", 3), ("201", 0)):
        call = db.session.get_one(Call, _place(caller, number).call.id)
        call.created_at = now() - timedelta(days=age)
        ids.append(call.id)
    call.state = CallState.FAILED
    db.session.commit()
    return ids


def _found(caller, **wanted):
    return [call.id for call in calls.search(caller, Filter(**wanted)).items]


def test_own_calls_are_listed_newest_first(caller, bob, made):
    _place(of_login(bob.login))

    assert _found(caller) == made[::-1]
    assert [call.id for call in calls.recent(caller)] == made[::-1]
    assert [call.id for call in calls.recent(caller, besides=made[2], count=1)] == [made[1]]


@pytest.mark.parametrize(
    ("wanted", "which"),
    [
        ({"text": "0361 30262"}, [0]),
        ({"text": "+49 (361) 30262"}, [0]),
        ({"text": "0049 (0)171 123"}, [1]),
        ({"text": "+43 171 123"}, []),
        ({"text": "1234"}, [1]),
        ({"text": "desk"}, [2, 1, 0]),
        ({"text": "%"}, []),
        ({"text": "4711"}, []),
        ({"result": "failed"}, [2]),
        ({"result": "success"}, [1, 0]),
        ({"result": "no such result"}, [2, 1, 0]),
        ({"period": "today"}, [2]),
        ({"period": "week"}, [2, 1]),
        ({"period": "month"}, [2, 1]),
        ({"text": "0171", "result": "success", "period": "week"}, [1]),
    ],
)
def test_calls_are_found(caller, made, wanted, which):
    assert _found(caller, **wanted) == [made[number] for number in which]
    assert [call.id for call in calls.export(caller, Filter(**wanted))] == _found(caller, **wanted)


def test_another_persons_call_is_not_found(bob, made):
    with pytest.raises(NotFoundError):
        calls.get(of_login(bob.login), made[0])
