import re

import pytest
from hypothesis import given

from portal.dialing.discretion import HIDDEN, mask_fixed_secrets, shorten
from portal.dialing.number import describe
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


@pytest.mark.parametrize(
    ("dial_url", "shown"),
    [
        ("https://a/?n=<#NUMBER#>&key=abc", "https://a/?n=<#NUMBER#>&key=•••"),
        ("https://a/?PASSWORD=a;b&n=1", "https://a/?PASSWORD=•••&n=1"),
        ("https://a/?x_token=a%26<#NUMBER#>&n=1", "https://a/?x_token=•••&n=1"),
        ("https://a/?pass=<#CTI_PASS#>x", "https://a/?pass=•••"),
        ("https://a/?pass=<#CTI_PASS#>", "https://a/?pass=<#CTI_PASS#>"),
        ("https://a/?user=<#CTI_USER#>&n=<#NUMBER#>", "https://a/?user=<#CTI_USER#>&n=<#NUMBER#>"),
        ("https://a/password/<#NUMBER#>", "https://a/password/<#NUMBER#>"),
        ("anlage://<#NUMBER#>&api-key=abc", "anlage://<#NUMBER#>&api-key=•••"),
        ("callto:<#NUMBER#>", "callto:<#NUMBER#>"),
    ],
)
def test_keys_that_are_written_into_a_dial_url_are_masked(dial_url: str, shown: str):
    assert mask_fixed_secrets(dial_url) == shown
