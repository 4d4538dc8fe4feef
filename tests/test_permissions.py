"""Dial permissions: saved, audited, and kept by the operation that calls, whatever a page does."""

import threading

import pytest
from sqlalchemy import select
from werkzeug import Response

from portal import calls, permissions, phones, targets
from portal.audit import Action
from portal.calls import Mend
from portal.dialing.dispatch import Capacity, Dispatcher
from portal.dialing.number import NumberFormat
from portal.dialing.number_class import NumberClass
from portal.dialing.permission import DEFAULTS, Permission, Rules
from portal.dialing.template import OpenMode
from portal.errors import ForbiddenError, InvalidError, UnconfirmedError
from portal.extensions import db
from portal.identity import of_login
from portal.models import AuditEvent, Call, CallState, Role, Setting
from portal.phones import Draft
from tests.support.databases import on_sqlite
from tests.support.processes import wait_for
from tests.support.targets import allow_target_of

DEFAULT_RULES = Rules()
PREMIUM, ABROAD = "0900 123456", "+43 1 234567"
MODES = pytest.mark.parametrize(
    ("url", "open_mode"),
    [
        ("https://pbx.example/<#NUMBER#>", OpenMode.SERVER),
        ("callto:<#NUMBER#>", OpenMode.CLIENT),
        ("https://pbx.example/<#NUMBER#>", OpenMode.WINDOW),
    ],
)


@pytest.fixture(autouse=True)
def _in_context(app, alice, ada):
    with app.app_context():
        targets.allow("pbx.example")
        yield


@pytest.fixture
def caller(alice):
    return of_login(alice.login)


def _default_phone(url="callto:<#NUMBER#>", open_mode=OpenMode.CLIENT, **others):
    allow_target_of(url)
    phones.save_default(Draft("Desk phones", url, open_mode, **others))


def _place(caller, number, **others):
    return calls.place(caller, number, "", calls.new_click_token(), **others)


def _plan(caller, number):
    return calls.plan(caller, number, phones.for_caller(caller))


def _save(user=DEFAULT_RULES, admin=DEFAULT_RULES):
    permissions.save({Role.USER: user, Role.ADMIN: admin})


def _with(**classes):
    changed = {NumberClass(name): Permission(word) for name, word in classes.items()}
    return Rules({**DEFAULTS, **changed})


def _calls():
    return db.session.scalars(select(Call)).all()


def _events(action):
    return db.session.scalars(select(AuditEvent).where(AuditEvent.action == action.value)).all()


# What holds


def test_the_defaults_hold_until_an_administrator_decides():
    assert permissions.standing().rules == {Role.USER: Rules(), Role.ADMIN: Rules()}


def test_what_is_saved_holds_at_once():
    user = Rules({**DEFAULTS, NumberClass.PREMIUM: Permission.CONFIRM}, {"AT": Permission.ALLOW})

    _save(user)

    assert permissions.standing().rules == {Role.USER: user, Role.ADMIN: Rules()}


def test_a_change_is_kept_in_the_audit_trail_old_and_new():
    _save(Rules({**DEFAULTS, NumberClass.PREMIUM: Permission.ALLOW}, {"AT": Permission.ALLOW}))

    (event,) = _events(Action.PERMISSIONS_CHANGED)

    assert event.changes == {"user: AT": ["", "allow"], "user: premium": ["refuse", "allow"]}


def test_a_country_that_does_not_exist_is_refused():
    with pytest.raises(InvalidError):
        _save(Rules(countries={"XX": Permission.ALLOW}))

    assert permissions.standing().rules[Role.USER] == Rules()


def test_what_cannot_be_understood_is_refused():
    stored = {"user": {"national": "perhaps", "countries": {"AT": None}}}
    db.session.add(Setting(name=permissions.RULES_SETTING, value=stored))
    db.session.commit()

    rules = permissions.standing().rules[Role.USER]

    assert rules.classes[NumberClass.NATIONAL] is Permission.REFUSE
    assert rules.classes[NumberClass.MOBILE] is Permission.ALLOW
    assert rules.countries == {"AT": Permission.REFUSE}


# What is refused


@MODES
@pytest.mark.parametrize("number", [PREMIUM, "112", "*21*0900123456#", "00900123456", "11833"])
def test_what_is_refused_is_not_called_in_any_way(caller, url, open_mode, number):
    _default_phone(url, open_mode)

    with pytest.raises(ForbiddenError):
        _place(caller, number, confirmed=number)

    assert _calls() == []


def test_a_refusal_is_kept_in_the_audit_trail_with_the_number_masked(caller):
    _default_phone()

    with pytest.raises(ForbiddenError):
        _place(caller, PREMIUM)

    (event,) = _events(Action.CALL_REFUSED)
    assert (event.subject, event.facts["reason"]) == ("0900123•••", "class-refused")


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (PREMIUM, "This is a premium-rate number. You may not call such numbers from here."),
        ("017112", "This is a number that is not known to be in use."),
        ("112", "Dial 112 on your phone. The portal does not make emergency calls"),
        ("0018055512345", "can read this number as +4918055512345. That is a service number"),
    ],
)
def test_a_refusal_says_why(caller, number, sentence):
    _default_phone()

    problem = _plan(caller, number).problems[0]

    assert sentence in str(problem.error)


def test_a_refused_country_is_named(caller):
    _default_phone()
    _save(Rules(countries={"AT": Permission.REFUSE}))

    problem = _plan(caller, ABROAD).problems[0]

    assert (problem.error.kind, problem.mend) == ("country-refused", Mend.PERMISSIONS)
    assert problem.error.params["country"] == "AT"


def test_each_role_has_its_own_permissions(caller, ada):
    _default_phone()
    _save(admin=_with(premium="allow"))

    assert _place(of_login(ada.login), PREMIUM).is_new
    with pytest.raises(ForbiddenError):
        _place(caller, PREMIUM)


def test_emergency_calls_can_be_allowed(caller):
    _default_phone()
    _save(_with(emergency="allow"))

    assert _place(caller, "112").call.state is CallState.HANDED_OVER


@on_sqlite
@pytest.mark.parametrize(
    ("url", "others", "number"),
    [
        ("https://pbx.example/0900<#NUMBER#>", {}, "123456"),
        ("https://pbx.example/?n=%2B49900<#NUMBER#>", {}, "123456"),
        ("https://pbx.example/?n=*21*<#NUMBER#>", {}, "0361302"),
        ("https://pbx.example/<#NUMBER#>", {"outside_prefix": "8"}, "80900123456"),
        ("https://pbx.example/<#NUMBER#>", {"outside_prefix": "0"}, "900123456"),
        (
            "https://pbx.example/<#NUMBER#>",
            {"number_format": NumberFormat.E164_DIGITS},
            "+49900123456",
        ),
    ],
)
def test_what_is_dialled_in_the_end_counts_too(caller, url, others, number):
    _default_phone(url, OpenMode.SERVER, **others)

    with pytest.raises(ForbiddenError):
        _place(caller, number)


@on_sqlite
@pytest.mark.parametrize(
    ("url", "others", "number"),
    [
        ("0<#NUMBER#>", {}, "0361302624"),
        ("%2B<#NUMBER#>", {"number_format": NumberFormat.E164_DIGITS}, "0361302624"),
        ("<#NUMBER#>", {"outside_prefix": "0"}, "0361302624"),
        ("<#NUMBER#>", {"number_format": NumberFormat.NATIONAL}, "+49361302624"),
    ],
)
def test_an_outside_line_makes_no_number_dangerous(caller, url, others, number):
    _default_phone(f"https://pbx.example/?n={url}", OpenMode.SERVER, **others)

    assert _plan(caller, number).problems == ()
    assert not _plan(caller, number).asks


def test_a_number_abroad_written_with_plus_is_no_service_number(caller):
    _default_phone(number_format=NumberFormat.E164_DIGITS)

    plan = _plan(caller, "+18055512345")

    assert (plan.problems, plan.asks) == ((), True)
    assert plan.decision.reading.country == "US"


# What is asked


@MODES
@pytest.mark.parametrize("confirmed", ["", "+431234568", ABROAD, "yes"])
def test_a_call_abroad_is_made_only_if_its_number_is_confirmed(caller, url, open_mode, confirmed):
    _default_phone(url, open_mode)

    with pytest.raises(UnconfirmedError):
        _place(caller, ABROAD, confirmed=confirmed)

    assert _calls() == []
    assert _events(Action.CALL_REFUSED) == []


def test_the_confirmed_click_calls_once(caller):
    _default_phone()
    click = calls.new_click_token()
    with pytest.raises(UnconfirmedError):
        calls.place(caller, ABROAD, "", click)

    first = calls.place(caller, ABROAD, "", click, confirmed="+431234567")
    second = calls.place(caller, ABROAD, "", click, confirmed="+431234567")

    assert (first.is_new, second.is_new) == (True, False)
    assert [call.number_class for call in _calls()] == ["international"]


def test_a_country_can_be_called_without_a_question(caller):
    _default_phone()
    _save(Rules(countries={"AT": Permission.ALLOW}))

    assert _place(caller, ABROAD).is_new


# Stop all dialling


@MODES
def test_while_all_dialling_is_stopped_nobody_calls(caller, url, open_mode):
    _default_phone(url, open_mode)
    permissions.stop("The phone system is being changed.")

    with pytest.raises(ForbiddenError) as refused:
        _place(caller, "201")

    assert refused.value.kind == "dialling-stopped"
    assert _calls() == []
    permissions.resume()
    assert _place(caller, "201").is_new


def test_who_stopped_and_who_resumed_is_in_the_audit_trail():
    permissions.stop("Fraud")
    permissions.resume()
    permissions.resume()

    (stopped,) = _events(Action.DIALLING_STOPPED)
    assert (stopped.actor_name, stopped.facts) == ("console", {"reason": "Fraud"})
    assert len(_events(Action.DIALLING_RESUMED)) == 1


def test_what_waits_to_be_sent_is_not_sent_any_more(app, caller, phone_system):
    answered = threading.Event()

    def answer(_request):
        answered.wait(30)
        return Response("ok")

    phone_system.expect_request("/201").respond_with_handler(answer)
    _default_phone(phone_system.url_for("/<#NUMBER#>"), OpenMode.SERVER)
    app.extensions["dispatchers"]["http"] = Dispatcher(
        Capacity(workers=1, per_target=1, room=4, patience=60)
    )
    first = _place(caller, "201").call.id
    waiting = _place(caller, "202").call.id

    permissions.stop()
    answered.set()

    def settled():
        db.session.rollback()
        states = [call.state for call in _calls()]
        db.session.rollback()
        return not any(state.in_flight for state in states)

    wait_for(settled, "both calls to come to an end")
    outcomes = {call.id: (call.state, call.outcome) for call in _calls()}
    assert outcomes[first][0] is CallState.ACCEPTED
    assert outcomes[waiting] == (CallState.FAILED, "stopped")
    assert len(phone_system.log) == 1


def test_while_all_dialling_is_stopped_no_card_opens_a_call_again(caller):
    _default_phone()
    call = _place(caller, "201").call

    assert calls.link_of(call) == "callto:201"
    permissions.stop()

    assert calls.link_of(call) == ""
