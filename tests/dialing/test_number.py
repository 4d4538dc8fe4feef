from typing import Any

import pytest

from portal.dialing.number import check_outside_prefix, clean
from portal.errors import DialError
from tests.dialing.cases import cases


@pytest.mark.parametrize("case", cases("numbers", "accepted"))
def test_number_becomes_its_canonical_dial_string(case: dict[str, Any]):
    assert clean(case["entered"]) == case["canonical"]


@pytest.mark.parametrize("case", cases("numbers", "refused"))
def test_what_cannot_be_dialled_safely_is_refused(case: dict[str, Any]):
    with pytest.raises(DialError) as refusal:
        clean(case["entered"])

    assert refusal.value.kind == case["as"]


@pytest.mark.parametrize("thing", [None, 4936130262422, True, b"0361", ["0361"], 1.5])
def test_only_text_is_a_number(thing: object):
    with pytest.raises(DialError) as refusal:
        clean(thing)

    assert refusal.value.kind == "not-a-string"


def test_damaged_text_is_refused():
    with pytest.raises(DialError) as refusal:
        clean("0361\ud800")

    assert refusal.value.kind == "invalid-unicode"


def test_input_is_refused_by_its_length_before_anything_else():
    with pytest.raises(DialError) as refusal:
        clean(" " * 300 + "0361")

    assert refusal.value.kind == "too-long"


def test_refusal_names_the_character_but_never_the_number():
    with pytest.raises(DialError) as refusal:
        clean("036130262422\u2460")

    assert "①" in str(refusal.value)
    assert "30262422" not in str(refusal.value)


@pytest.mark.parametrize("prefix", ["", "0", "9", "*9#", "12345678"])
def test_outside_prefix_is_kept(prefix: str):
    assert check_outside_prefix(f" {prefix} ") == prefix


@pytest.mark.parametrize(
    ("prefix", "kind"),
    [("+", "not-a-dial-character"), ("0,", "not-a-dial-character"), ("123456789", "too-long")],
)
def test_outside_prefix_is_a_few_digits(prefix: str, kind: str):
    with pytest.raises(DialError) as refusal:
        check_outside_prefix(prefix)

    assert refusal.value.kind == kind
