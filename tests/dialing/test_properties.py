"""What holds for every input, tried with many."""

import operator
import re
from collections.abc import Callable
from itertools import chain, repeat
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from hypothesis import assume, example, given
from hypothesis import strategies as st

from portal.dialing.handler import check_handlers, check_name, resolve
from portal.dialing.number import (
    MOST_PAUSES,
    NumberFormat,
    check_outside_prefix,
    clean,
    describe,
    format_number,
)
from portal.dialing.template import (
    Expansion,
    Literal,
    OpenMode,
    Template,
    check_scheme,
    expand,
    parse,
)
from portal.dialing.variables import check_value, find, nearest
from portal.errors import DialError
from tests.dialing.strategies import (
    anything,
    dial_strings,
    number_text,
    url_text,
    value_maps,
    values,
)

CANONICAL = re.compile(r"(?=.{1,64}\Z)(\+[1-9][0-9]{0,14}(,[0-9*#,]*)?|[0-9*#][0-9*#,]*)")
FORMATS = st.sampled_from(NumberFormat)
MODES = st.sampled_from(OpenMode)
REGIONS = st.sampled_from(["DE", "AT", "CH", "IT", "FR", "GB", "US", "HU", "AR", "XX", ""])

WEB_URL = (
    "https://pbx.example:8443/a/<#CTI_USER#>/b<#surname#>;c?d=<#CTI_PASS#>&<#email#>=1&n=<#NUMBER#>"
)
WEB_NAMES = ("CTI_USER", "surname", "CTI_PASS", "email", "NUMBER")


def outcome(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Return what a function makes, or its refusal; any other exception is a fault."""
    try:
        return function(*arguments, **options)
    except DialError as refusal:
        return refusal


def digits(text: str) -> str:
    return re.sub(r"\D", "", text)


# --- Numbers ---


@given(number_text | anything)
def test_clean_makes_a_canonical_dial_string_or_refuses(entered: Any):
    canonical = outcome(clean, entered)

    if isinstance(canonical, DialError):
        assert str(canonical).isprintable()
    else:
        assert CANONICAL.fullmatch(canonical)
        assert canonical.count(",") <= MOST_PAUSES


@given(number_text)
def test_cleaning_twice_changes_nothing(entered: str):
    canonical = outcome(clean, entered)

    if isinstance(canonical, str):
        assert clean(canonical) == canonical


@given(dial_strings)
def test_canonical_dial_string_is_left_as_it_is(number: str):
    assert clean(number) == number


@given(dial_strings, st.lists(st.sampled_from(["", *" -./()\u00a0\u2011\u200b"]), max_size=64))
def test_separators_between_the_digits_never_matter(number: str, separators: list[str]):
    written = "".join(map(operator.add, number, chain(separators, repeat(""))))
    assume("(0)" not in written)

    assert clean(written) == number


@given(dial_strings, FORMATS, REGIONS, st.sampled_from(["", "0", "9"]))
def test_formats_lose_and_invent_no_digits(
    number: str, number_format: NumberFormat, region: str, prefix: str
):
    head, pause, tail = number.partition(",")

    written = format_number(number, number_format, region=region, outside_prefix=prefix)

    assert written.endswith(pause + tail)
    assert "+" not in written[1:]
    subscriber = digits(head).lstrip("0")[-4:]
    assert subscriber in digits(written.removesuffix(pause + tail))


@given(dial_strings, FORMATS)
def test_what_was_formatted_is_still_a_dial_string(number: str, number_format: NumberFormat):
    written = format_number(number, number_format, outside_prefix="0")

    assume(len(written) <= 64)
    assert clean(written) == written


@given(dial_strings, REGIONS)
def test_formats_agree_on_the_number(number: str, region: str):
    e164 = format_number(number, NumberFormat.E164, region=region)
    assume(e164.startswith("+"))

    assert format_number(number, NumberFormat.E164_DIGITS, region=region) == e164[1:]
    assert format_number(number, NumberFormat.INTERNATIONAL_00, region=region) == f"00{e164[1:]}"
    assert format_number(e164, NumberFormat.E164, region=region) == e164


@given(dial_strings, REGIONS)
def test_readable_spelling_is_the_same_number(number: str, region: str):
    assert clean(describe(number, region=region).display) == number


# --- Dial URLs ---


@given(st.fixed_dictionaries(dict.fromkeys(WEB_NAMES, values)))
@example(dict.fromkeys(WEB_NAMES, "<#CTI_PASS#>"))
@example(dict.fromkeys(WEB_NAMES, "%2e%2e&d=1#x"))
def test_parsing_the_url_gives_back_exactly_the_values(entered: dict[str, str]):
    template = parse(WEB_URL, OpenMode.SERVER)
    expansion = outcome(expand, template, entered)
    if isinstance(expansion, DialError):
        assert expansion.kind in {"path-segment", "too-long"}
        return

    split = urlsplit(expansion.url)
    segments = [unquote(segment, errors="strict") for segment in split.path.split("/")]
    pairs = parse_qsl(split.query.replace("+", "%2B"), keep_blank_values=True, strict_parsing=True)

    assert (split.scheme, split.hostname, split.port) == ("https", "pbx.example", 8443)
    assert (split.username, split.password, split.fragment) == (None, None, "")
    assert segments == ["", "a", entered["CTI_USER"], f"b{entered['surname']};c"]
    assert pairs == [
        ("d", entered["CTI_PASS"]),
        (entered["email"], "1"),
        ("n", entered["NUMBER"]),
    ]


@given(values, st.sampled_from(["", ".", "%2e", "x"]), st.sampled_from(["", ".", "%2E", "x"]))
def test_no_value_changes_the_depth_of_a_path(value: str, before: str, behind: str):
    template = parse(f"https://pbx.example/a/{before}<#CTI_USER#>{behind}/c", OpenMode.SERVER)
    expansion = outcome(expand, template, {"CTI_USER": value})

    if isinstance(expansion, Expansion):
        segments = urlsplit(expansion.url).path.split("/")
        assert len(segments) == 4
        assert unquote(segments[2]) not in {".", ".."}


@given(values | st.from_regex(r"[a-z0-9.:\[\]@-]{1,30}", fullmatch=True))
@example("192.168.1.20")
@example("evil.example:80@pbx")
def test_value_for_the_host_is_the_host_and_nothing_else(value: str):
    template = parse("http://<#CTI_PHONE#>:8000/raw?n=1", OpenMode.SERVER)
    expansion = outcome(expand, template, {"CTI_PHONE": value})
    if isinstance(expansion, DialError):
        assert expansion.kind == "bad-host-value"
        return

    split = urlsplit(expansion.url)
    assert split.hostname == value.strip("[]").lower()
    assert (split.port, split.path, split.query, split.username) == (8000, "/raw", "n=1", None)


@given(dial_strings, values)
def test_dial_string_keeps_its_signs_in_other_schemes(number: str, user: str):
    template = parse("sip:<#NUMBER#>@pbx.example?u=<#CTI_USER#>", OpenMode.CLIENT)

    url = expand(template, {"NUMBER": number, "CTI_USER": user}).url

    address, query = url.removeprefix("sip:").split("?")
    assert address == number.replace("#", "%23") + "@pbx.example"
    assert re.fullmatch(r"u=([A-Za-z0-9._~-]|%[0-9A-F]{2})+", query)
    assert unquote(query) == f"u={user}"


@given(url_text | anything, MODES, value_maps)
def test_no_url_and_no_value_raises_anything_but_a_refusal(url: Any, mode: OpenMode, entered: Any):
    template = outcome(parse, url, mode, secrets_allowed=True)
    expansion = outcome(expand, template, entered) if isinstance(template, Template) else template

    if isinstance(expansion, DialError):
        assert str(expansion).isprintable()
    else:
        assert expansion.url.isascii()
        assert urlsplit(expansion.url).scheme == template.scheme


@given(url_text, MODES)
def test_position_of_a_refusal_lies_in_the_url(url: str, mode: OpenMode):
    refusal = outcome(parse, url, mode)

    assume(isinstance(refusal, DialError))
    assert refusal.position is None or 0 <= refusal.position <= len(url.strip())


@given(url_text, MODES)
def test_template_says_again_what_it_was_made_from(url: str, mode: OpenMode):
    template = outcome(parse, url, mode)

    if isinstance(template, Template):
        texts = [part.text if isinstance(part, Literal) else "<#>" for part in template.parts]
        assert "".join(texts) == re.sub("<#.*?#>", "<#>", url.strip())


# --- Everything else that takes text from outside ---


@given(anything, st.dictionaries(st.sampled_from(["a", "b", "c", "https"]), url_text | anything))
def test_checks_refuse_and_never_fail(thing: Any, handlers: Any):
    for check in (
        check_value,
        check_name,
        check_scheme,
        check_outside_prefix,
        lambda url: resolve(url, handlers),
        lambda _: resolve("a://1", handlers),
        lambda _: check_handlers(handlers),
    ):
        outcome(check, thing)


@given(st.text())
def test_names_of_every_sort_are_looked_up(name: str):
    variable = find(name)

    assert variable is None or variable.name == name.removeprefix("user.")
    assert nearest(name) == "" or find(nearest(name))
