"""Classes of numbers: every way to read a number counts."""

import pytest

from portal.dialing.number_class import NumberClass, readings
from portal.dialing.permission import DEFAULTS, Permission, Rules

ALL_ALLOWED = dict.fromkeys(NumberClass, Permission.ALLOW)


def worst(number, region="DE"):
    return readings(number, region=region)[0].number_class.value


def decide(number, region="DE"):
    return Rules().decide(readings(number, region=region)).permission.value


@pytest.mark.parametrize(
    ("number", "number_class"),
    [
        ("201", "internal"),
        ("116117", "internal"),
        ("0", "internal"),
        ("036130262422", "national"),
        ("+4936130262422", "national"),
        ("08001234567", "national"),
        ("+80012345678", "national"),
        ("032212345678", "national"),
        ("30262422", "national"),
        ("01711234567", "mobile"),
        ("1711234567", "mobile"),
        ("+431234567", "international"),
        ("00431234567", "international"),
        ("+18765551234", "international"),
        ("01803123456", "shared_cost"),
        ("0137123456", "shared_cost"),
        ("0138123", "shared_cost"),
        ("07001234567", "shared_cost"),
        ("+808123", "shared_cost"),
        ("+447012345678", "shared_cost"),
        ("0900123456", "premium"),
        ("0900", "premium"),
        ("11833", "premium"),
        ("118000", "premium"),
        ("+4911833", "premium"),
        ("012012", "premium"),
        ("0191123", "premium"),
        ("01033", "premium"),
        ("+9791234", "premium"),
        ("+19005551234", "premium"),
        ("+449098790000", "premium"),
        ("+43900123456", "premium"),
        ("+41900123456", "premium"),
        ("+33899123456", "premium"),
        ("+39899123456", "premium"),
        ("+881612345678", "satellite"),
        ("+88212", "satellite"),
        ("+883123", "satellite"),
        ("+870", "satellite"),
        ("+878101234567890", "satellite"),
        ("*21#", "feature_code"),
        ("112", "emergency"),
        ("110", "emergency"),
        ("+9991234", "unknown"),
        ("017112", "unknown"),
    ],
)
def test_a_number_has_its_class(number, number_class):
    assert worst(number) == number_class


@pytest.mark.parametrize(
    ("number", "number_class"),
    [
        ("00900123456", "premium"),  # 0 for an outside line
        ("000900123456", "premium"),
        ("90900123456", "premium"),  # 9 for an outside line
        ("900123456", "premium"),  # the zero comes from the phone system
        ("+490900123456", "premium"),  # a zero too many
        ("00490900123456", "premium"),
        ("+49004990012345", "premium"),
        ("010330900123456", "premium"),  # behind a choice of carrier
        ("01033009791234", "premium"),
        ("4990012345678", "premium"),  # E.164 without +
        ("881612345678", "satellite"),
        ("000881612345678", "satellite"),
        ("0110", "emergency"),
        ("0112", "emergency"),
        ("011833", "premium"),
        ("+43900123456999999", "premium"),  # exchanges ignore what is too long
        ("+390900", "international"),
    ],
)
def test_the_most_dangerous_reading_counts(number, number_class):
    assert worst(number) == number_class


@pytest.mark.parametrize(
    ("number", "number_class"),
    [
        ("0,0900123456", "premium"),
        ("9,0900123456", "premium"),
        ("+4990,01234567", "premium"),
        ("0361302,,09001234567#", "premium"),
        ("0,*21*0171123#", "feature_code"),
        ("0,,112", "emergency"),
        ("+4936130262422,,1234#", "national"),
        ("+4936130262422,,1234#,,55#", "national"),
    ],
)
def test_a_pause_hides_nothing(number, number_class):
    assert worst(number) == number_class


@pytest.mark.parametrize("number", ["*21*0900123456#", "#31#0900123456", "**0900123456"])
def test_a_feature_code_hides_nothing(number):
    allowed = {**ALL_ALLOWED, NumberClass.PREMIUM: Permission.REFUSE}

    assert Rules(allowed).decide(readings(number)).permission is Permission.REFUSE


@pytest.mark.parametrize(
    ("number", "region", "number_class"),
    [
        ("9165551234", "US", "national"),
        ("19165551234", "US", "national"),
        ("5551234", "US", "national"),
        ("8765551234", "US", "international"),
        ("19005551234", "US", "premium"),
        ("9005551234", "US", "premium"),
        ("919005551234", "US", "premium"),
        ("01143900123456", "US", "premium"),
        ("911", "US", "emergency"),
        ("0900123456", "AT", "premium"),
        ("0664123456", "AT", "mobile"),
        ("0900123456", "CH", "premium"),
        ("0899123456", "FR", "premium"),
        ("0123456789", "FR", "national"),
        ("899123456", "IT", "premium"),
        ("0612345678", "IT", "national"),
        ("806123456", "ES", "premium"),
        ("999", "GB", "emergency"),
        ("09098790000", "GB", "premium"),
        ("201", "XX", "internal"),
    ],
)
def test_each_country_reads_numbers_its_own_way(number, region, number_class):
    assert worst(number, region) == number_class


def test_a_number_abroad_says_its_country():
    assert readings("+18765551234")[0].country == "JM"
    assert readings("+1212555123499")[0].country == "US"


def test_a_number_abroad_that_is_nowhere_in_use_counts_for_all_countries_of_its_code():
    assert {reading.country for reading in readings("+447")} == {"GB", "GG", "IM", "JE"}


@pytest.mark.parametrize("number", ["112", "0900123456", "11833", "*21*1#", "+881612", "017112"])
def test_what_costs_is_refused_by_default(number):
    assert decide(number) == "refuse"


def test_defaults_are_those_of_the_handbook():
    assert {name.value: permission.value for name, permission in DEFAULTS.items()} == {
        "internal": "allow",
        "national": "allow",
        "mobile": "allow",
        "international": "confirm",
        "unknown": "refuse",
        "shared_cost": "refuse",
        "feature_code": "refuse",
        "satellite": "refuse",
        "premium": "refuse",
        "emergency": "refuse",
    }


def test_a_country_can_have_a_rule_of_its_own():
    rules = Rules(countries={"AT": Permission.ALLOW, "TR": Permission.REFUSE})

    said = {
        number: rules.decide(readings(number)).permission.value
        for number in ("+431234567", "+902123456789", "+33123456789", "+43900123456")
    }

    assert said == {
        "+431234567": "allow",
        "+902123456789": "refuse",
        "+33123456789": "confirm",
        "+43900123456": "refuse",
    }


def test_a_number_that_can_be_read_in_two_ways_says_so():
    for number, is_ambiguous in (("0018055512345", True), ("+18055512345", False)):
        assert Rules().decide(readings(number)).is_ambiguous is is_ambiguous


def test_plain_numbers_are_allowed_without_a_question():
    numbers = [
        f"0{area}{subscriber}"
        for area in (30, 40, 69, 89, 201, 221, 341, 351, 361, 431, 511, 621, 711, 8031, 3641)
        for subscriber in (302624, 9001234, 1180123, 2013700, 4912345)
    ]
    numbers += [f"+49{number[1:]}" for number in numbers]
    numbers += [f"01{mobile}1234567" for mobile in (512, 522, 575, 60, 62, 63, 70, 71, 72, 76, 79)]

    assert {number: decide(number) for number in numbers if decide(number) != "allow"} == {}
