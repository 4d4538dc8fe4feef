"""Phones: what is checked on entering, who owns them, and which one a call goes by way of."""

import secrets

import pytest
from sqlalchemy import event

from portal import handlers, phones, schemes, targets
from portal.dialing.handler import resolve
from portal.dialing.number import NumberFormat
from portal.dialing.template import OpenMode, expand, parse
from portal.errors import DialError, InvalidError, NotFoundError
from portal.extensions import db
from portal.handlers import HandlerDraft
from portal.identity import identify, token_hash
from portal.models import UserSession
from portal.phones import PRACTICE, Draft, Place, Rules
from portal.targets import Decision

URL = "https://pbx.example/call?number=<#NUMBER#>"
NO_RULES = Rules({})


@pytest.fixture(autouse=True)
def _in_context(app, alice, bob):
    with app.app_context():
        targets.allow("pbx.example")
        yield


def _draft(url=URL, name="Desk", **others):
    return Draft(name, url, **others)


def _caller(person):
    token = secrets.token_urlsafe()
    db.session.add(UserSession(user_id=person.id, token_hash=token_hash(token)))
    db.session.commit()
    return identify(token)


def _shown(check):
    return "".join(part.masked for part in check.sample)


# What is entered


def test_sample_goes_by_way_of_the_handler():
    rules = Rules({"anlage": "https://examplephonesystem.de/api/addcall.php?number="})

    check = phones.check(
        _draft("anlage://<#NUMBER#>", number_format=NumberFormat.INTERNATIONAL_00), rules
    )

    assert [step.name for step in check.steps] == ["anlage"]
    assert _shown(check) == ("https://examplephonesystem.de/api/addcall.php?number=004936130262422")


def test_nothing_entered_is_neither_right_nor_wrong():
    check = phones.check(_draft("  "), NO_RULES)

    assert (check.url, check.problem, check.sample) == ("", None, ())


def test_sample_shows_the_viewers_values_and_masks_secrets():
    url = "https://pbx.example/<#CTI_USER#>?p=<#CTI_PASS#>&n=<#NUMBER#>"

    check = phones.check(_draft(url), NO_RULES, {"CTI_USER": "alice", "CTI_PASS": "hush"})

    assert _shown(check) == "https://pbx.example/alice?p=•••&n=036130262422"
    assert [variable.name for variable in check.variables] == ["CTI_USER", "CTI_PASS", "NUMBER"]


@pytest.mark.parametrize(
    "url",
    [
        "http://<#CTI_PHONE#>/dial?n=<#NUMBER#>",
        "https://pbx.example/<#CTI_PHONE#>/<#NUMBER#>",
        "https://pbx.example/dial?p=<#CTI_PHONE#>&n=<#NUMBER#>",
    ],
)
def test_missing_value_is_named_in_the_sample_and_no_reason_to_refuse(url):
    check = phones.check(_draft(url), NO_RULES, {"CTI_PHONE": ""})

    assert check.problem is None
    assert [variable.name for variable in check.missing] == ["CTI_PHONE"]
    assert "CTI_PHONE" in _shown(check)


def test_values_that_do_not_fit_are_no_reason_to_refuse():
    check = phones.check(
        _draft("http://<#CTI_PHONE#>/dial?n=<#NUMBER#>"), NO_RULES, {"CTI_PHONE": "a/b"}
    )

    assert check.problem is None
    assert check.sample_problem
    assert check.sample_problem.kind == "bad-host-value"


def test_url_without_the_number_is_noticed_but_not_refused():
    assert phones.check(_draft("https://pbx.example/dial"), NO_RULES).lacks_number
    assert not phones.check(_draft(), NO_RULES).lacks_number
    assert phones.save_default(_draft("https://pbx.example/dial")).id


def test_unknown_variable_is_found_at_its_place():
    check = phones.check(_draft("https://pbx.example/?a=1&id=<#USRID#>&b=2"), NO_RULES)

    assert isinstance(check.problem, DialError)
    assert (check.problem.kind, check.problem.suggestion) == ("unknown-variable", "USERID")
    assert check.place == Place(
        "https://pbx.example/?a=1&id=", "<#USRID#>", "&b=2", is_entered=True
    )


def test_place_behind_a_handler_name_is_that_in_the_entered_url():
    rules = Rules({"anlage": "https://pbx.example/call?number="})

    check = phones.check(_draft("anlage://<#NUMBR#>"), rules)

    assert check.place == Place("anlage://", "<#NUMBR#>", "", is_entered=True)


def test_mistake_of_a_handler_is_not_shown_as_the_users():
    rules = Rules({"anlage": "https://pbx.example/#number="})

    check = phones.check(_draft("anlage://<#NUMBER#>"), rules)

    assert check.place == Place("https://pbx.example/", "#", "number=<#NUMBER#>", is_entered=False)


@pytest.mark.parametrize(
    ("draft", "kind", "field"),
    [
        (_draft("callto:<#NUMBER#>"), "bad-scheme", "url"),
        (_draft("anlage://<#NUMBER#>"), "unknown-handler", "url"),
        (_draft("https://pbx.example/?p=<#PASSWORD#>"), "unknown-variable", "url"),
        (_draft("tel:<#CTI_PASS#>", open_mode=OpenMode.CLIENT), "secret-in-browser-url", "url"),
        (_draft("   "), "url-missing", "url"),
        (_draft(f"https://pbx.example/{'a' * 2048}"), "too-long", "url"),
        (_draft(outside_prefix="abc"), "not-a-dial-character", "outside_prefix"),
        (_draft(outside_prefix="0" * 9), "too-long", "outside_prefix"),
        (_draft(name="  "), "name-missing", "name"),
        (_draft(name="n" * 81), "too-long", "name"),
        (_draft(name="n\0"), "control-character", "name"),
        (_draft(name="n\ud800"), "invalid-unicode", "name"),
    ],
)
def test_what_is_wrong_is_refused_at_its_field(alice, draft, kind, field):
    with pytest.raises(InvalidError) as refused:
        phones.create(alice.id, draft)

    assert (refused.value.kind, refused.value.field) == (kind, field)
    assert phones.of_user(alice.id) == []


def test_callto_on_the_server_side_is_refused_with_the_reason():
    with pytest.raises(DialError, match="only the client"):
        phones.save_default(_draft("callto:<#NUMBER#>"))


def test_outside_prefix_stands_in_the_sample():
    check = phones.check(_draft(outside_prefix="0"), NO_RULES)

    assert _shown(check).endswith("number=0036130262422")


# Where the server may send it

CLOSED_URL = "https://closed.example:8443/<#NUMBER#>"


def test_a_target_that_is_not_allowed_is_refused_and_offered():
    check = phones.check(_draft(CLOSED_URL), phones.rules())

    assert (check.problem.kind, check.problem.field) == ("not-on-allow-list", "url")
    assert (str(check.target), check.offer) == ("closed.example:8443", "closed.example:8443")
    assert _shown(check) == "https://closed.example:8443/036130262422"
    with pytest.raises(DialError):
        phones.save_default(_draft(CLOSED_URL))
    assert phones.default() is None


def test_what_is_offered_is_allowed_and_saved_in_one_step(ada):
    decision = Decision("closed.example:8443", by=ada.id)

    phones.save_default(_draft(CLOSED_URL), decision)

    listed = {item.target.entry: item for item in targets.overview()}
    assert set(listed) == {"closed.example:8443", "pbx.example"}
    assert listed["closed.example:8443"].allowed_by == "Ada Lovelace"
    assert listed["closed.example:8443"].target.reason == "Desk"
    assert phones.default()


def test_only_what_the_url_needs_is_allowed_along_with_it():
    for entry in ("closed.example", "other.example:8443", "0.0.0.0/0"):
        with pytest.raises(DialError):
            phones.save_default(_draft(CLOSED_URL), Decision(entry))

    phones.save_default(_draft(), Decision("closed.example:8443"))

    assert [item.target.entry for item in targets.overview()] == ["pbx.example"]


def test_a_phone_that_is_refused_allows_nothing(alice):
    phones.create(alice.id, _draft())

    for draft in (_draft(CLOSED_URL), _draft(CLOSED_URL, name=" ")):
        with pytest.raises(InvalidError):
            phones.create(alice.id, draft, Decision("closed.example:8443"))

    assert [item.target.entry for item in targets.overview()] == ["pbx.example"]


def test_the_target_counts_that_the_handlers_lead_to():
    handlers.create(HandlerDraft("anlage", "https://pbx.example/?n="))
    handler = handlers.get(1)
    handler.url = "https://closed.example/?n="
    db.session.commit()

    assert phones.check(_draft("anlage://<#NUMBER#>"), phones.rules()).offer == "closed.example:443"


@pytest.mark.parametrize(
    ("url", "offer"),
    [
        ("http://127.0.0.1:8088/<#NUMBER#>", "127.0.0.1:8088"),
        ("http://127.0.0.1/<#NUMBER#>", "127.0.0.1:80"),
        ("http://[fd12::5]:8088/<#NUMBER#>", "[fd12::5]:8088"),
        ("http://pbx.example:8088/<#NUMBER#>", "pbx.example:8088"),
        ("http://localhost:8088/<#NUMBER#>", ""),
        ("http://169.254.169.254/<#NUMBER#>", ""),
        ("http://[::ffff:10.0.0.5]/<#NUMBER#>", ""),
    ],
)
def test_what_no_list_can_open_is_not_offered(url, offer):
    check = phones.check(_draft(url), phones.rules())

    assert check.problem
    assert check.offer == offer


def test_a_name_may_lead_into_an_allowed_network():
    targets.allow("192.168.10.0/24")

    check = phones.check(_draft("http://pbx.lan/<#NUMBER#>"), phones.rules())

    assert (check.problem, check.depends_on_address) == (None, True)


def test_the_cti_phone_as_host_needs_no_permission_before_a_call():
    check = phones.check(_draft("http://<#CTI_PHONE#>/<#NUMBER#>"), phones.rules())

    assert (check.problem, check.target) == (None, None)


def test_somebody_who_may_not_allow_is_told_what_is_and_whom_to_ask(ada):
    for number in range(5):
        targets.allow(f"10.0.0.{number}")
    problem = phones.check(_draft(CLOSED_URL), phones.rules()).problem

    assert problem
    assert str(phones.for_owner(problem)) == (
        "Your phone may only contact what is allowed: 10.0.0.0, 10.0.0.1, 10.0.0.2, 10.0.0.3, "
        "10.0.0.4 …. Ask Ada Lovelace to allow closed.example:8443."
    )


def test_other_problems_are_the_same_for_everybody():
    problem = phones.check(_draft("callto:<#NUMBER#>"), phones.rules()).problem

    assert problem
    assert phones.for_owner(problem) is problem


def test_phones_that_a_removal_stops_are_known_before(alice):
    target = targets.allow("gone.example")
    phones.create(alice.id, _draft("https://gone.example/<#NUMBER#>"))
    phones.create(alice.id, _draft(name="Other"))

    assert phones.stopped_without_target(target) == ["Desk (alice)"]


# The default phone


def test_practice_phone_is_the_default_until_one_is_entered(alice):
    assert phones.default() is None
    assert phones.for_caller(_caller(alice)) is PRACTICE


def test_practice_phone_can_always_be_dialled_with(alice):
    template = parse(PRACTICE.url, PRACTICE.open_mode)

    url = expand(template, {**_caller(alice).record, "NUMBER": "110"}).url

    assert url == "https://phone-system.example/call?user=alice&number=110"


def test_default_phone_is_saved_and_changed_in_place(alice):
    first = phones.save_default(_draft(name="First")).id

    second = phones.save_default(_draft(name="Second")).id

    assert first == second
    assert phones.for_caller(_caller(alice)).name == "Second"


def test_practice_phone_is_used_again_once_the_default_phone_is_removed(alice):
    phones.save_default(_draft())

    phones.remove_default()
    phones.remove_default()

    assert phones.for_caller(_caller(alice)) is PRACTICE


# Own phones


def test_name_is_taken_only_once_for_each_owner(alice, bob):
    phones.create(alice.id, _draft())
    phones.create(bob.id, _draft())

    with pytest.raises(InvalidError) as refused:
        phones.create(alice.id, _draft(name=" Desk "))

    assert (refused.value.kind, refused.value.field) == ("name-taken", "name")
    assert len(phones.of_user(alice.id)) == 1


def test_change_to_a_taken_name_is_refused_and_changes_nothing(alice):
    phones.create(alice.id, _draft())
    other = phones.create(alice.id, _draft(name="Other")).id

    with pytest.raises(InvalidError, match="Desk"):
        phones.change(alice.id, other, _draft("https://pbx.example/changed"))

    assert phones.get(alice.id, other).url == URL


def test_what_is_stored_has_no_blanks_around():
    phone = phones.save_default(_draft(f"  {URL}\r\n", name=" Desk ", outside_prefix=" 0 "))

    assert (phone.name, phone.url, phone.outside_prefix) == ("Desk", URL, "0")


def test_permission_for_secrets_is_not_kept_for_a_server_side_url():
    assert not phones.save_default(_draft(secrets_allowed=True)).secrets_allowed


def test_permission_for_secrets_lasts_as_long_as_the_url_and_the_mode(alice):
    url = "tel:<#NUMBER#>?p=<#CTI_PASS#>"
    granted = _draft(url, open_mode=OpenMode.CLIENT, secrets_allowed=True)
    phone = phones.create(alice.id, granted)

    renamed = _draft(url, name="Renamed", open_mode=OpenMode.CLIENT)
    assert renamed.with_grant_of(phone).secrets_allowed
    assert not _draft(url, open_mode=OpenMode.WINDOW).with_grant_of(phone).secrets_allowed
    assert not _draft(f"{url}&x=1", open_mode=OpenMode.CLIENT).with_grant_of(phone).secrets_allowed
    assert not granted.with_grant_of(None).secrets_allowed


@pytest.mark.parametrize(
    "attempt",
    [
        lambda bob, phone: phones.get(bob.id, phone.id),
        lambda bob, phone: phones.change(bob.id, phone.id, _draft(name="Bob's")),
        lambda bob, phone: phones.delete(bob.id, phone.id),
        lambda bob, phone: phones.prefer(bob.id, phone.id),
        lambda bob, phone: phones.for_caller(_caller(bob), str(phone.id)),
    ],
    ids=["get", "change", "delete", "prefer", "dial"],
)
def test_phone_of_somebody_else_does_not_exist(alice, bob, attempt):
    phone = phones.create(alice.id, _draft())

    with pytest.raises(NotFoundError):
        attempt(bob, phone)

    assert phones.get(alice.id, phone.id).name == "Desk"


def test_default_phone_is_nobodys_own(alice):
    default = phones.save_default(_draft())

    with pytest.raises(NotFoundError):
        phones.delete(alice.id, default.id)


# Dialling


def test_preferred_phone_is_dialled_with_until_it_is_deleted(alice):
    phones.save_default(_draft(name="Everybody's"))
    own = phones.create(alice.id, _draft()).id
    phones.prefer(alice.id, own)
    assert phones.for_caller(_caller(alice)).key == str(own)

    phones.delete(alice.id, own)

    assert phones.for_caller(_caller(alice)).name == "Everybody's"


def test_default_phone_can_be_preferred_again_and_be_chosen_for_one_call(alice):
    phones.prefer(alice.id, phones.create(alice.id, _draft()).id)
    assert phones.for_caller(_caller(alice), "default") is PRACTICE

    phones.prefer(alice.id, None)

    assert phones.for_caller(_caller(alice)) is PRACTICE


@pytest.mark.parametrize(
    "key", ["0", "-1", "99", "x", "1" * 30, "\N{FULLWIDTH DIGIT ONE}", "default ", "\0"]
)
def test_key_of_no_phone_is_refused(alice, key):
    with pytest.raises(NotFoundError):
        phones.for_caller(_caller(alice), key)


def test_dial_phone_carries_all_that_its_url_builds_on(alice):
    for name, url in (("c", "https://pbx.example/?n="), ("b", "C://"), ("a", "b://")):
        handlers.create(HandlerDraft(name, url))
    handlers.create(HandlerDraft("unused", "callto:"))
    schemes.add("msteams")
    phones.save_default(
        Draft("Long way", "A://<#NUMBER#>", number_format=NumberFormat.E164, outside_prefix="0")
    )

    phone = phones.for_caller(_caller(alice))

    assert phone.handlers == {"a": "b://", "b": "C://", "c": "https://pbx.example/?n="}
    assert resolve(phone.url, phone.handlers).url == "https://pbx.example/?n=<#NUMBER#>"
    assert phone.extra_schemes == {"msteams"}
    assert (phone.key, phone.connector) == ("default", "http")
    assert (phone.open_mode, phone.number_format, phone.outside_prefix) == (
        OpenMode.SERVER,
        NumberFormat.E164,
        "0",
    )


def test_phone_is_read_with_one_statement(alice):
    handlers.create(HandlerDraft("anlage", "https://pbx.example/?n="))
    phones.prefer(alice.id, phones.create(alice.id, _draft("anlage://<#NUMBER#>")).id)
    caller = _caller(alice)
    lookups, other_statements = [], []
    event.listen(db.engine, "checkout", lambda *call: lookups.append(call))
    event.listen(db.engine, "before_cursor_execute", lambda *call: other_statements.append(call))

    phones.for_caller(caller)

    assert (len(lookups), other_statements) == (1, [])


def test_choices_are_the_default_phone_and_the_own_ones_by_name(alice, bob):
    for name in ("Zoom", "Desk"):
        phones.create(alice.id, _draft(name=name))
    phones.create(bob.id, _draft(name="Bob's"))
    assert [phone.name for phone in phones.choices(_caller(alice))] == [
        "Practice phone",
        "Desk",
        "Zoom",
    ]

    phones.save_default(_draft(name="Everybody's"))

    assert [phone.name for phone in phones.choices(_caller(alice))] == [
        "Everybody's",
        "Desk",
        "Zoom",
    ]


def test_administrators_are_named_to_be_asked(ada):
    assert phones.whom_to_ask() == ["Ada Lovelace"]
