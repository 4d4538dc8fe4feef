import subprocess
import sys

import pytest

from portal.dialing.number import NumberFormat, NumberInfo, NumberKind, describe, format_number

AS_ENTERED, DOUBLE_ZERO, E164, DIGITS, NATIONAL = NumberFormat


@pytest.mark.parametrize("entered", ["036130262422", "004936130262422", "+4936130262422"])
@pytest.mark.parametrize(
    ("number_format", "written"),
    [
        (DOUBLE_ZERO, "004936130262422"),
        (E164, "+4936130262422"),
        (DIGITS, "4936130262422"),
        (NATIONAL, "036130262422"),
    ],
)
def test_every_spelling_of_a_number_takes_the_format(
    entered: str, number_format: NumberFormat, written: str
):
    assert format_number(entered, number_format) == written


@pytest.mark.parametrize("entered", ["036130262422", "+4936130262422", "201", "*21#", "0049,1"])
def test_as_entered_is_the_canonical_dial_string(entered: str):
    assert format_number(entered, AS_ENTERED) == entered


@pytest.mark.parametrize("number_format", NumberFormat)
@pytest.mark.parametrize(
    "number", ["7", "201", "4711", "110", "112", "116117", "*21*036130262422#", "#31#0361", "**9"]
)
def test_short_numbers_and_feature_codes_are_left_alone(number: str, number_format: NumberFormat):
    assert format_number(number, number_format, outside_prefix="0") == number


@pytest.mark.parametrize("number_format", NumberFormat)
@pytest.mark.parametrize(
    "number",
    [
        "30262422",  # a local number: 030 262422 would be in Berlin
        "0123",  # no such area code
        "010330361302624",  # a carrier selected call by call
        "00",
        "030000000000000",  # more than 15 digits with the country code
        "0000",
    ],
)
def test_number_that_is_not_certain_keeps_its_digits(number: str, number_format: NumberFormat):
    assert format_number(number, number_format) == number


@pytest.mark.parametrize(
    ("entered", "number_format", "written"),
    [
        ("+999123", DOUBLE_ZERO, "00999123"),
        ("00999123", E164, "+999123"),
        ("00999123", DIGITS, "999123"),
        ("+999123", NATIONAL, "00999123"),
    ],
)
def test_plus_and_double_zero_stand_for_each_other_even_in_unknown_countries(
    entered: str, number_format: NumberFormat, written: str
):
    assert format_number(entered, number_format) == written


def test_foreign_number_in_national_format_is_dialled_abroad():
    assert format_number("+442079460018", NATIONAL) == "00442079460018"


def test_trunk_zero_behind_the_country_code_is_mended():
    assert format_number("+49036130262422", E164) == "+4936130262422"


@pytest.mark.parametrize(
    ("entered", "number_format", "written"),
    [
        ("+390236618300", DOUBLE_ZERO, "00390236618300"),
        ("+390236618300", E164, "+390236618300"),
        ("00390236618300", DIGITS, "390236618300"),
    ],
)
def test_leading_zero_of_italy_survives(entered: str, number_format: NumberFormat, written: str):
    assert format_number(entered, number_format) == written


@pytest.mark.parametrize(
    ("region", "entered", "written"),
    [
        ("AT", "06641234567", "+436641234567"),
        ("CH", "0446681800", "+41446681800"),
        ("IT", "0236618300", "+390236618300"),
        ("US", "2125551234", "+12125551234"),
        ("US", "011493613026242", "+493613026242"),
        ("AR", "0111523456789", "0111523456789"),
        ("XX", "036130262422", "036130262422"),
    ],
)
def test_region_decides_what_a_national_number_means(region: str, entered: str, written: str):
    assert format_number(entered, E164, region=region) == written


def test_pauses_and_tones_stay_behind_the_number():
    assert format_number("036130262422,,1234#", E164) == "+4936130262422,,1234#"


@pytest.mark.parametrize(
    ("entered", "number_format", "written"),
    [
        ("036130262422", AS_ENTERED, "0036130262422"),
        ("30262422", AS_ENTERED, "030262422"),
        ("036130262422", NATIONAL, "0036130262422"),
        ("036130262422", DOUBLE_ZERO, "0004936130262422"),
        ("036130262422", DIGITS, "04936130262422"),
        ("+4936130262422", DOUBLE_ZERO, "0004936130262422"),
        ("+4936130262422,1", NATIONAL, "0036130262422,1"),
    ],
)
def test_outside_prefix_comes_before_external_numbers(
    entered: str, number_format: NumberFormat, written: str
):
    assert format_number(entered, number_format, outside_prefix="0") == written


def test_plus_becomes_double_zero_behind_an_outside_prefix():
    assert format_number("+4936130262422", AS_ENTERED, outside_prefix="0") == "0004936130262422"


def test_e164_keeps_its_plus_first_and_goes_without_the_prefix():
    assert format_number("036130262422", E164, outside_prefix="0") == "+4936130262422"


def test_number_that_e164_cannot_write_gets_the_prefix():
    assert format_number("30262422", E164, outside_prefix="0") == "030262422"


@pytest.mark.parametrize(
    ("number", "kind", "display", "region"),
    [
        ("036130262422", NumberKind.FIXED_LINE, "0361 30262422", "DE"),
        ("004936130262422", NumberKind.FIXED_LINE, "0049 361 30262422", "DE"),
        ("+491711234567", NumberKind.MOBILE, "+49 171 1234567", "DE"),
        ("+442079460018", NumberKind.FIXED_LINE, "+44 20 7946 0018", "GB"),
        ("08001234567", NumberKind.TOLL_FREE, "0800 1234567", "DE"),
        ("09001234567", NumberKind.PREMIUM, "0900 1 234567", "DE"),
        ("01805123456", NumberKind.SHARED_COST, "0180 5 123456", "DE"),
        ("+80012345678", NumberKind.TOLL_FREE, "+800 1234 5678", ""),
        ("112", NumberKind.EMERGENCY, "112", ""),
        ("110", NumberKind.EMERGENCY, "110", ""),
        ("112,,1", NumberKind.EMERGENCY, "112,,1", ""),
        ("4711", NumberKind.INTERNAL, "4711", ""),
        ("*21*0361#", NumberKind.FEATURE_CODE, "*21*0361#", ""),
        ("0361#", NumberKind.FEATURE_CODE, "0361#", ""),
        ("0*36130262422", NumberKind.FEATURE_CODE, "0*36130262422", ""),
        ("30262422", NumberKind.UNKNOWN, "30262422", ""),
        ("+49036130262422", NumberKind.FIXED_LINE, "+49036130262422", "DE"),
        ("036130262422,,12#", NumberKind.FIXED_LINE, "0361 30262422,,12#", "DE"),
    ],
)
def test_number_is_described(number: str, kind: NumberKind, display: str, region: str):
    assert describe(number) == NumberInfo(kind, display, region)


def test_emergency_numbers_of_the_own_region_are_known():
    assert describe("911", region="US").kind is NumberKind.EMERGENCY
    assert describe("911", region="DE").kind is NumberKind.INTERNAL


@pytest.mark.parametrize("number", ["110", "112"])
def test_emergency_numbers_of_europe_are_known_everywhere(number: str):
    assert describe(number, region="XX").kind is NumberKind.EMERGENCY


def test_the_tables_of_places_are_never_loaded():
    script = (
        "import sys, portal.dialing.number as number; number.describe('036130262422');"
        "print([name for name in sys.modules if name.startswith('phonenumbers.')"
        " and name.split('.')[1] in {'geocoder', 'carrier', 'timezone', 'geodata'}])"
    )

    loaded = subprocess.check_output([sys.executable, "-c", script], text=True)

    assert loaded.strip() == "[]"
