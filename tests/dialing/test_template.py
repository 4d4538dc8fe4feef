from typing import Any

import pytest

from portal.dialing.template import (
    LONGEST_TEMPLATE,
    Literal,
    OpenMode,
    Place,
    Slot,
    Template,
    check_scheme,
    expand,
    parse,
)
from portal.dialing.variables import VARIABLES
from portal.errors import DialError
from tests.dialing.cases import cases

NUMBER, CTI_PASS = VARIABLES["NUMBER"], VARIABLES["CTI_PASS"]


def parsed(case: dict[str, Any]) -> Template:
    mode = OpenMode(case.get("mode", "server"))
    return parse(case["url"], mode, extra_schemes=frozenset(case.get("schemes", [])))


@pytest.mark.parametrize("case", cases("urls", "accepted"))
def test_values_are_written_as_their_place_demands(case: dict[str, Any]):
    assert expand(parsed(case), case["values"]).url == case["opens"]


@pytest.mark.parametrize("case", cases("urls", "refused"))
def test_wrong_url_is_refused_with_what_and_where(case: dict[str, Any]):
    with pytest.raises(DialError) as refusal:
        expand_when_dialling(case)

    assert refusal.value.kind == case["as"]
    for fact in ("position", "suggestion", "variable"):
        if fact in case:
            assert getattr(refusal.value, fact) == case[fact]


def expand_when_dialling(case: dict[str, Any]) -> None:
    if case.get("at") != "dial":
        parsed(case)
        return
    template = parsed(case)
    expand(template, case["values"])


@pytest.mark.parametrize("case", cases("urls", "refused"))
def test_every_refusal_can_be_read(case: dict[str, Any]):
    with pytest.raises(DialError) as refusal:
        expand_when_dialling(case)

    sentence = str(refusal.value)

    assert sentence.endswith((".", "?"))
    assert "%(" not in sentence
    assert sentence.isprintable()


def test_template_is_taken_apart_once():
    url = "https://pbx.example/a/<#NUMBER#>?p=<#CTI_PASS#>&n=<#NUMBER#>"

    template = parse(url, OpenMode.SERVER)

    assert template.scheme == "https"
    assert template.parts == (
        Literal("https://pbx.example/a/"),
        Slot(NUMBER, Place.PATH),
        Literal("?p="),
        Slot(CTI_PASS, Place.OTHER),
        Literal("&n="),
        Slot(NUMBER, Place.OTHER),
    )
    assert template.variables == (NUMBER, CTI_PASS)
    assert template is parse(url, OpenMode.SERVER)


def test_local_program_is_the_business_of_the_client():
    with pytest.raises(DialError) as refusal:
        parse("callto:<#NUMBER#>", OpenMode.SERVER)

    assert "only the client, that is the browser" in str(refusal.value)
    assert parse("callto:<#NUMBER#>", OpenMode.CLIENT).scheme == "callto"
    assert parse("callto:<#NUMBER#>", OpenMode.WINDOW).scheme == "callto"


def test_scheme_that_was_added_is_the_business_of_the_client_too():
    with pytest.raises(DialError) as refusal:
        parse("msteams:<#NUMBER#>", OpenMode.SERVER, extra_schemes=frozenset({"msteams"}))

    assert "only the client" in str(refusal.value)


def test_secret_is_possible_in_a_browser_url_if_it_was_allowed():
    url = "https://phone.example/?p=<#CTI_PASS#>"

    template = parse(url, OpenMode.CLIENT, secrets_allowed=True)

    assert template.variables == (CTI_PASS,)
    with pytest.raises(DialError):
        parse(url, OpenMode.CLIENT)


@pytest.mark.parametrize("thing", [None, 1, b"tel:1", ["tel:1"], {}])
def test_only_text_is_a_url(thing: Any):
    with pytest.raises(DialError) as refusal:
        parse(thing, OpenMode.CLIENT)

    assert refusal.value.kind == "not-a-string"


def test_damaged_text_is_refused():
    with pytest.raises(DialError) as refusal:
        parse("tel:\ud800", OpenMode.CLIENT)

    assert refusal.value.kind == "invalid-unicode"


def test_longest_template_is_accepted_and_one_character_more_is_not():
    longest = "https://pbx.example/".ljust(LONGEST_TEMPLATE, "x")

    assert parse(f" {longest} ", OpenMode.SERVER).source == longest
    with pytest.raises(DialError) as refusal:
        parse(longest + "x", OpenMode.SERVER)
    assert refusal.value.kind == "too-long"


def test_expanded_url_has_a_limit_of_its_own():
    template = parse("https://pbx.example/?" + "<#surname#>" * 20, OpenMode.SERVER)

    with pytest.raises(DialError) as refusal:
        expand(template, {"surname": "ü" * 50})

    assert refusal.value.kind == "too-long"


@pytest.mark.parametrize("value", [7, b"alice", ["alice"], True])
def test_only_text_is_a_value(value: Any):
    template = parse("https://pbx.example/?u=<#CTI_USER#>", OpenMode.SERVER)

    with pytest.raises(DialError) as refusal:
        expand(template, {"CTI_USER": value})

    assert refusal.value.kind == "not-a-string"


def test_missing_value_says_where_to_fill_it_in():
    template = parse("https://pbx.example/?u=<#CTI_USER#>", OpenMode.SERVER)

    with pytest.raises(DialError) as refusal:
        expand(template, {})

    assert str(refusal.value) == (
        "Missing: CTI user of the caller (CTI_USER). "
        "Fill it in on the Security tab of the settings."
    )


@pytest.mark.parametrize("name", ["MSTeams", "msteams:", " msteams:// "])
def test_scheme_to_add_is_brought_into_its_normal_form(name: str):
    assert check_scheme(name) == "msteams"


@pytest.mark.parametrize(
    "name",
    [
        *("javascript", "JavaScript:", "data", "vbscript", "file://", "blob", "about"),
        *("view-source", "filesystem", "intent"),
        *("3cx", "my scheme", "", ":", "ä", "a" * 33, "te\nl"),
    ],
)
def test_scheme_that_runs_code_or_is_none_cannot_be_added(name: str):
    with pytest.raises(DialError) as refusal:
        check_scheme(name)

    assert refusal.value.kind == "bad-scheme"
