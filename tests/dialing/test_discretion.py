import re

import pytest
from hypothesis import given

from portal.dialing.number import describe
from portal.dialing.shortening import HIDDEN, shorten
from tests.dialing.strategies import dial_strings


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+4936130262422", "+4936130262•••"),
        ("+49 361 30262-422", "+49 361 30262-•••"),
        ("0361 302624 2 2", "0361 30262• • •"),
        ("201", "•••"),
        ("12", "••"),
        ("", ""),
        ("*21*0361302#", "*••*0361•••#"),
        ("#31#", "#••#"),
        ("036130262422,,1234#", "036130262•••,•••"),
        ("201,5", "•••,•••"),
    ],
)
def test_the_last_three_digits_are_hidden_and_all_behind_a_pause(number: str, shown: str):
    assert shorten(number) == shown


@given(dial_strings)
def test_nobody_can_read_how_a_number_ends(number: str):
    for spelling in (number, describe(number).display):
        dialled, _pause, behind = spelling.partition(",")
        shown, _pause, shown_behind = shorten(spelling).partition(",")

        for group, shown_group in zip(
            re.split("[*#]", dialled), re.split("[*#]", shown), strict=True
        ):
            digits, left = re.sub("[^0-9]", "", group), re.sub("[^0-9]", "", shown_group)
            assert left == digits[:-3]
            assert shown_group.count(HIDDEN) == min(3, len(digits))
        assert set(shown_behind) <= {HIDDEN}, behind
