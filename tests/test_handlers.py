"""CTI handlers: what they may be, and what a change of one must not break."""

import pytest

from portal import handlers, phones, schemes, targets
from portal.dialing.template import OpenMode
from portal.errors import DialError, InvalidError, NotFoundError
from portal.handlers import HandlerDraft
from portal.phones import Draft, Place
from portal.targets import Decision

URL = "https://pbx.example/call?number="


@pytest.fixture(autouse=True)
def _in_context(app, alice):
    with app.app_context():
        for host in ("pbx.example", "new.example", "phone.example"):
            targets.allow(host)
        yield


def _add(name, url=URL):
    return handlers.create(HandlerDraft(name, url)).id


def _phone(owner_id, url, name="Desk", mode=OpenMode.SERVER):
    return phones.create(owner_id, Draft(name, url, mode))


def _refusal(attempt):
    with pytest.raises(InvalidError) as refused:
        attempt()
    return refused.value.kind, refused.value.field


def test_name_is_stored_in_lower_case_without_slashes():
    handler = handlers.create(HandlerDraft(" Anlage:// ", f" {URL} "))

    assert (handler.name, handler.url) == ("anlage", URL)


@pytest.mark.parametrize(
    ("name", "url", "kind", "field"),
    [
        ("", URL, "bad-handler-name", "name"),
        ("3cx", URL, "bad-handler-name", "name"),
        ("my pbx", URL, "bad-handler-name", "name"),
        ("HTTPS://", URL, "reserved-handler-name", "name"),
        ("callto", URL, "reserved-handler-name", "name"),
        ("msteams", URL, "reserved-handler-name", "name"),
        ("ANLAGE", URL, "duplicate-handler", "name"),
        ("new", " ", "url-missing", "url"),
        ("new", "https://pbx.example", "handler-open-host", "url"),
        ("new", "javascript:alert(1)//", "bad-scheme", "url"),
        ("new", "https://pbx.example/?id=<#USRID#>&n=", "unknown-variable", "url"),
        ("new", "new://x", "handler-cycle", "url"),
        ("new", "other://", "unknown-handler", "url"),
        ("new", "third://", "handler-depth", "url"),
    ],
)
def test_what_is_wrong_is_refused_at_its_field(name, url, kind, field):
    schemes.add("msteams")
    _add("anlage")
    _add("second", "anlage://")
    _add("third", "second://")

    refusal = _refusal(lambda: handlers.create(HandlerDraft(name, url)))

    assert refusal == (kind, field)
    assert len(handlers.overview()) == 3


def test_circle_through_others_is_refused():
    first = _add("first")
    _add("second", "first://")

    kind = _refusal(lambda: handlers.change(first, HandlerDraft("first", "second://")))

    assert kind == ("handler-cycle", "url")


def test_change_that_makes_another_chain_too_long_is_refused():
    _add("a")
    _add("b", "a://")
    c = _add("c")
    _add("d", "c://")

    draft = HandlerDraft("c", "b://")

    assert _refusal(lambda: handlers.change(c, draft)) == ("handler-depth", "url")
    assert handlers.check(draft, handlers.get(c)).sample == ()


def test_handler_may_serve_any_open_mode():
    assert _add("client", "callto:")
    assert _add("fragment", "https://phone.example/#/dial/")
    assert _add("secret", "https://phone.example/?p=<#CTI_PASS#>&n=")


def test_check_shows_what_a_number_becomes():
    _add("pbx", "https://pbx.example/<#login#>/")

    check = handlers.check(HandlerDraft("anlage", "pbx://call?n="), None, {"login": "alice"})

    assert [step.name for step in check.steps] == ["anlage", "pbx"]
    assert "".join(part.masked for part in check.sample) == (
        "https://pbx.example/alice/call?n=036130262422"
    )


def test_check_points_to_the_place_in_the_entered_url():
    check = handlers.check(HandlerDraft("anlage", "https://pbx.example/?id=<#USRID#>&n="))

    assert check.place == Place("https://pbx.example/?id=", "<#USRID#>", "&n=", is_entered=True)


def test_url_is_checked_before_a_name_is_entered():
    check = handlers.check(HandlerDraft("", URL))

    assert check.url == URL
    assert check.problem
    assert check.problem.field == "name"


def test_phones_are_counted_also_through_other_handlers(alice):
    _add("pbx")
    _add("anlage", "pbx://")
    _phone(alice.id, "anlage://<#NUMBER#>")
    _phone(alice.id, "pbx://<#NUMBER#>", "Other")
    _phone(alice.id, "https://pbx.example/<#NUMBER#>", "Direct")

    assert [(listed.handler.name, listed.phones) for listed in handlers.overview()] == [
        ("anlage", 1),
        ("pbx", 2),
    ]
    assert (handlers.used_by("anlage"), handlers.used_by("unknown")) == (1, 0)


def test_all_phones_follow_a_change(alice):
    handler = _add("anlage")
    phone = _phone(alice.id, "anlage://<#NUMBER#>")

    handlers.change(handler, HandlerDraft("anlage", "https://new.example/dial?n="))

    check = phones.check(Draft.of(phone), phones.rules())
    assert check.url == "https://new.example/dial?n=<#NUMBER#>"


def test_change_that_stops_phones_is_refused_and_names_three_of_them(alice):
    handler = _add("anlage")
    for number in range(4):
        _phone(alice.id, "anlage://<#NUMBER#>", f"Desk {number}")

    with pytest.raises(InvalidError) as refused:
        handlers.change(handler, HandlerDraft("anlage", "callto:"))

    assert (refused.value.kind, refused.value.field) == ("phones-would-stop", "url")
    assert refused.value.params["phones"] == "Desk 0 (alice), Desk 1 (alice), Desk 2 (alice) …"
    assert handlers.get(handler).url == URL


def test_change_is_possible_when_a_phone_was_broken_before(alice):
    handler = _add("anlage")
    other = _add("other")
    _phone(alice.id, "other://<#NUMBER#>")
    handlers.delete(other)

    handlers.change(handler, HandlerDraft("anlage", "https://new.example/?n="))

    assert handlers.get(handler).url == "https://new.example/?n="


def test_handler_is_renamed_while_nothing_uses_it():
    handler = _add("anlage")

    handlers.change(handler, HandlerDraft("pbx://", URL))

    assert handlers.get(handler).name == "pbx"


def test_handler_keeps_its_name_while_phones_use_it(alice):
    handler = _add("anlage")
    _phone(alice.id, "anlage://<#NUMBER#>")

    assert _refusal(lambda: handlers.change(handler, HandlerDraft("pbx", URL))) == (
        "handler-in-use",
        "name",
    )


def test_handler_keeps_its_name_while_handlers_build_on_it():
    handler = _add("anlage")
    _add("second", "anlage://")

    assert _refusal(lambda: handlers.change(handler, HandlerDraft("pbx", URL))) == (
        "handler-in-use",
        "name",
    )


def test_phones_that_a_deletion_stops_are_known_before(alice):
    handler = _add("anlage")
    _phone(alice.id, "anlage://<#NUMBER#>")
    _phone(alice.id, "https://pbx.example/<#NUMBER#>", "Direct")
    assert handlers.stopped_without("anlage") == ["Desk (alice)"]

    handlers.delete(handler)

    assert handlers.overview() == []


def test_handler_that_others_build_on_is_not_deleted():
    handler = _add("anlage")
    _add("second", "anlage://")

    with pytest.raises(InvalidError, match="second://"):
        handlers.delete(handler)

    assert handlers.get(handler)


def test_unknown_handler_is_not_found():
    with pytest.raises(NotFoundError):
        handlers.get(99)


CLOSED_URL = "https://closed.example/?n="


def test_a_target_that_is_not_allowed_is_refused_until_it_is_decided():
    assert _refusal(lambda: _add("anlage", CLOSED_URL)) == ("not-on-allow-list", "url")
    assert handlers.check(HandlerDraft("anlage", CLOSED_URL)).offer == "closed.example:443"

    handlers.create(HandlerDraft("anlage", CLOSED_URL), Decision("closed.example:443"))

    listed = {item.target.entry: item.target.reason for item in targets.overview()}
    assert listed["closed.example:443"] == "anlage://"


def test_a_handler_for_browsers_leaves_its_target_closed(alice):
    leave_closed = Decision(leave_closed=True)
    handlers.create(HandlerDraft("web", CLOSED_URL), leave_closed)
    handlers.create(HandlerDraft("local", "http://localhost:9000/?n="), leave_closed)

    assert _phone(alice.id, "web://<#NUMBER#>", mode=OpenMode.WINDOW).id
    assert _refusal(lambda: _phone(alice.id, "web://<#NUMBER#>", "Other")) == (
        "not-on-allow-list",
        "url",
    )
    assert "closed.example" not in str(targets.overview())


@pytest.mark.parametrize("url", ["callto:", "https://closed.example/#/dial/"])
def test_a_url_that_only_browsers_can_open_needs_no_permission(url):
    assert _add("web", url)


def test_a_change_to_another_target_stops_no_phone_that_the_server_dials_with(alice):
    handler = _add("anlage")
    _phone(alice.id, "anlage://<#NUMBER#>")
    draft = HandlerDraft("anlage", CLOSED_URL)

    refusal = _refusal(lambda: handlers.change(handler, draft, Decision(leave_closed=True)))
    assert refusal == ("phones-would-stop", "url")

    handlers.change(handler, draft, Decision("closed.example:443"))

    assert phones.check(Draft.of(phones.of_user(alice.id)[0]), phones.rules()).problem is None


def test_a_name_that_is_taken_meanwhile_allows_nothing():
    _add("anlage")

    with pytest.raises(InvalidError):
        handlers.create(HandlerDraft("anlage", CLOSED_URL), Decision("closed.example:443"))

    assert "closed.example:443" not in [item.target.entry for item in targets.overview()]


def test_refusal_of_the_engine_reaches_the_user_in_its_words():
    with pytest.raises(DialError, match="USERID"):
        _add("anlage", "https://pbx.example/?id=<#USRID#>&n=")
