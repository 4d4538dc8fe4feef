from collections.abc import Callable
from typing import Any

import pytest

from portal.dialing.handler import (
    Step,
    check_free,
    check_handlers,
    check_name,
    name_at_start,
    resolve,
)
from portal.dialing.template import OpenMode, expand, parse
from portal.errors import DialError
from tests.dialing.cases import cases


@pytest.mark.parametrize("case", cases("handlers", "resolved"))
def test_names_at_the_start_are_replaced(case: dict[str, Any]):
    resolution = resolve(case["dial"], case["handlers"])

    assert resolution.url == case["url"]
    assert [step.name for step in resolution.steps] == case["steps"]


@pytest.mark.parametrize("case", cases("handlers", "refused"))
def test_handlers_that_cannot_work_are_refused_when_saving(case: dict[str, Any]):
    with pytest.raises(DialError) as refusal:
        check_handlers(case["handlers"])

    assert refusal.value.kind == case["as"]
    assert "%(" not in str(refusal.value)


def test_the_example_of_the_design_holds():
    url = "https://examplephonesystem.de/api/addcall.php?number="

    resolution = resolve("anlage://<#NUMBER#>", {"anlage": url})
    expansion = expand(parse(resolution.url, OpenMode.SERVER), {"NUMBER": "004936130262422"})

    assert expansion.url == url + "004936130262422"
    assert resolution.steps == (Step("anlage", url),)


def test_handlers_that_work_are_accepted():
    check_handlers(
        {
            "anlage": "https://pbx.example/?u=<#CTI_USER#>&p=<#CTI_PASS#>&n=",
            "desk": "http://<#CTI_PHONE#>/",
            "old": "anlage://",
            "soft": "sip:",
            "teams": "msteams:",
        },
        extra_schemes=frozenset({"msteams"}),
    )


def test_handlers_are_looked_up_by_name_and_only_as_long_as_needed():
    asked: list[str] = []

    def find(name: str) -> str | None:
        asked.append(name)
        return {"a": "b://", "b": "https://pbx.example/"}.get(name)

    resolve("A://1", find)
    resolve("https://pbx.example/", find)

    assert asked == ["a", "b"]


def test_circle_is_refused_when_resolving_too():
    with pytest.raises(DialError) as refusal:
        resolve("a://1", {"a": "b://", "b": "a://"})

    assert refusal.value.kind == "handler-cycle"
    assert "a:// → b:// → a://" in str(refusal.value)


def test_position_is_found_in_what_was_entered():
    resolution = resolve("anlage://<#NUMMER#>", {"anlage": "https://pbx.example/?number="})

    with pytest.raises(DialError) as refusal:
        parse(resolution.url, OpenMode.SERVER)

    assert resolution.entered_position(refusal.value.position) == len("anlage://")


@pytest.mark.parametrize(("position", "entered"), [(None, None), (0, None), (19, None), (20, 4)])
def test_position_in_the_url_of_a_handler_is_none_of_the_entered_text(
    position: int | None, entered: int | None
):
    resolution = resolve("a://1", {"a": "https://pbx.example/"})

    assert resolution.entered_position(position) == entered


def test_position_without_handlers_is_the_position():
    assert resolve("tel:1", {}).entered_position(3) == 3


@pytest.mark.parametrize(
    ("handlers", "position"),
    [
        ({"a": "https://pbx.example/?x=<#NUMMER#>"}, 23),
        ({"a": "b://<#NUMMER#>", "b": "https://pbx.example/"}, 4),
    ],
)
def test_refused_handler_says_where_in_its_own_url(handlers: dict[str, str], position: int):
    with pytest.raises(DialError) as refusal:
        check_handlers(handlers)

    assert refusal.value.position == position


@pytest.mark.parametrize("entered", ["anlage", "Anlage://", " ANLAGE: "])
def test_name_is_brought_into_its_normal_form(entered: str):
    assert check_name(entered) == "anlage"


@pytest.mark.parametrize(
    "entered", ["", "://", "3cx", "-a", "my pbx", "a/b", "ä", "a\nb", "a" * 33, "a://b"]
)
def test_name_is_a_word(entered: str):
    with pytest.raises(DialError) as refusal:
        check_name(entered)

    assert refusal.value.kind == "bad-handler-name"
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize("entered", ["https", "HTTP://", "javascript", "mailto", "intent", "ldaps"])
def test_name_of_a_real_scheme_is_reserved(entered: str):
    with pytest.raises(DialError) as refusal:
        check_name(entered)

    assert refusal.value.kind == "reserved-handler-name"


def test_name_is_unique():
    check_free("anlage", {"starface"})

    with pytest.raises(DialError) as refusal:
        check_free("anlage", {"anlage"})

    assert refusal.value.kind == "duplicate-handler"


@pytest.mark.parametrize("thing", [None, 1, b"a://"])
@pytest.mark.parametrize("check", [check_name, lambda thing: resolve(thing, {})])
def test_only_text_is_a_name_or_a_url(check: Callable[[Any], object], thing: Any):
    with pytest.raises(DialError) as refusal:
        check(thing)

    assert refusal.value.kind == "not-a-string"


@pytest.mark.parametrize(
    ("url", "name"),
    [("A://x", "a"), ("https://x/", ""), ("tel:1", ""), ("<#NUMBER#>", ""), ("", "")],
)
def test_name_at_start_is_what_a_handler_may_have(url: str, name: str):
    assert name_at_start(url) == name
