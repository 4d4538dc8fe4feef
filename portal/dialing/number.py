"""Telephone numbers: cleaned to a canonical dial string, formatted for a phone system, described.

The canonical dial string is 1 to 64 characters out of ``0-9 * #``, ``,`` for a pause, and ``+``
in the first place only.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from portal.dialing.text import check_line, check_text, excerpt
from portal.errors import N_, DialError

LONGEST_INPUT = 256
LONGEST_NUMBER = 64
LONGEST_PREFIX = 8
MOST_PAUSES = 8
MOST_DIGITS = 15
"""Digits of an international number, country code included."""
LONGEST_INTERNAL = 6
"""So many digits, without a leading 0 or +, are an internal number or a short service number."""

_EDGES = " \t\n\v\f\r\u00a0\u2007\u202f"
_RIGHT_TO_LEFT = re.compile("[\u200f\u061c\u202b\u202e\u2067\u2068]")
_LINE_BREAKING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_INVISIBLE = dict.fromkeys(
    map(ord, "\u200e\u202a\u202c\u202d\u2066\u2069\u200b\u200c\u200d\u2060\ufeff\u00ad")
)
_LINK = re.compile(r"(?:tel|callto):", re.IGNORECASE | re.ASCII)
_BLANKS = dict.fromkeys([0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000])
_FULLWIDTH = {0xFF10 + digit: str(digit) for digit in range(10)} | {0xFF0B: "+"}
_BLANKS_AND_FULLWIDTH = _BLANKS | _FULLWIDTH
_SEPARATORS = dict.fromkeys([*map(ord, "-.()/"), *range(0x2010, 0x2016), 0x2212])

_PLAIN = re.compile(r"[0-9*#]{1,64}|\+[1-9][0-9]{0,14}")
_UNDIALLABLE = re.compile(r"[^0-9*#+,]")
_INTERNATIONAL = re.compile(r"\+[1-9][0-9]{0,14}(?:,.*)?")
_WRITTEN_OUT = re.compile(r"(?:\+|00)([1-9][0-9]{0,14})")
_NOT_DIALLED = re.compile(r"[^0-9*#+]")
_OUTSIDE_PREFIX = re.compile(r"[0-9*#]*")


class NumberFormat(StrEnum):
    """How a phone system wants its numbers."""

    AS_ENTERED = "as_entered"
    INTERNATIONAL_00 = "international_00"
    E164 = "e164"
    E164_DIGITS = "e164_digits"
    NATIONAL = "national"


class NumberKind(StrEnum):
    """What sort of line a number reaches."""

    INTERNAL = "internal"
    EMERGENCY = "emergency"
    FEATURE_CODE = "feature_code"
    FIXED_LINE = "fixed_line"
    MOBILE = "mobile"
    FIXED_LINE_OR_MOBILE = "fixed_line_or_mobile"
    TOLL_FREE = "toll_free"
    SHARED_COST = "shared_cost"
    PREMIUM = "premium"
    VOIP = "voip"
    PERSONAL = "personal"
    COMPANY = "company"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NumberInfo:
    """What can be said about a number without asking anybody."""

    kind: NumberKind
    display: str
    """The canonical dial string with blanks and signs that make it readable; same digits."""
    region: str
    """ISO code of the country, "" if there is none."""


def clean(text: object) -> str:
    """Return the canonical dial string of a number as people and programs write it.

    >>> clean("tel:+49 (0)361 30262-422")
    '+4936130262422'
    """
    if isinstance(text, str) and _PLAIN.fullmatch(text):
        return text
    number = check_text(text, limit=LONGEST_INPUT).strip(_EDGES)
    _refuse_controls(number)
    number = _without_link(number.translate(_INVISIBLE)).translate(_BLANKS_AND_FULLWIDTH)
    if number.lstrip("(-./)").startswith(("+", "00")):
        # The zero is dialled only inside the country: after a country code it is no digit.
        number = number.replace("(0)", "")
    number = number.translate(_SEPARATORS)
    _check_dial_string(number)
    return number


def format_number(
    canonical: str, number_format: NumberFormat, *, region: str = "DE", outside_prefix: str = ""
) -> str:
    """Return a canonical number as a phone system wants it.

    Emergency numbers, feature codes and internal numbers stay as they are. A number that is
    not certainly a full one (a local number without area code, a range that is not in use)
    stays as it was entered, except that + and 00 stand for each other. Pauses and what is
    dialled behind them stay behind.

    The outside-line prefix comes before every external number. Systems with such a prefix
    dial digits, so a leading + then becomes 00; only the format E.164 keeps its + and goes
    without the prefix, because a system that takes + knows by it that the number is external.

    >>> format_number("036130262422", NumberFormat.INTERNATIONAL_00, outside_prefix="0")
    '0004936130262422'
    """
    number, pause, rest = canonical.partition(",")
    if _special_kind(number, region):
        return canonical
    written = _written(number, number_format, region)
    return _with_outside_line(written, number_format, outside_prefix) + pause + rest


@lru_cache(maxsize=4096)
def describe(canonical: str, *, region: str = "DE") -> NumberInfo:
    """Return kind, readable spelling and country of a canonical number.

    >>> describe("004936130262422").display
    '0049 361 30262422'
    """
    number, pause, rest = canonical.partition(",")
    if kind := _special_kind(number, region):
        return NumberInfo(kind, canonical, "")
    parsed = _valid(number, region)
    if parsed is None:
        return NumberInfo(NumberKind.UNKNOWN, canonical, "")
    country = phonenumbers.region_code_for_number(parsed) or ""
    return NumberInfo(
        _KINDS.get(phonenumbers.number_type(parsed), NumberKind.UNKNOWN),
        _readable(number, parsed) + pause + rest,
        country if country.isalpha() else "",
    )


def shared_digits(text: str, *, region: str = "DE") -> str:
    """Return the digits that a number, or its beginning, has in every spelling.

    >>> shared_digits("+49 (0)361 302"), shared_digits("0361/302")
    ('361302', '361302')
    """
    dialled = _NOT_DIALLED.sub("", text.replace("(0)", ""))
    code = phonenumbers.country_code_for_region(region)
    return re.sub(rf"^(?:\+|00){code}", "", dialled).lstrip("+0")


def check_outside_prefix(text: str) -> str:
    """Return the digits that get an outside line, "" if none are needed."""
    prefix = check_line(text, limit=LONGEST_PREFIX)
    if not _OUTSIDE_PREFIX.fullmatch(prefix):
        raise DialError(
            "not-a-dial-character",
            N_(
                "An outside-line prefix has only digits, * and #. Leave it empty if none is needed."
            ),
        )
    return prefix


def _refuse_controls(number: str) -> None:
    if _RIGHT_TO_LEFT.search(number):
        raise DialError(
            "bidi-control",
            N_(
                "The number contains an invisible sign that turns the order of its digits. "
                "Type the number in."
            ),
        )
    if _LINE_BREAKING.search(number):
        raise DialError(
            "control-character",
            N_("The number contains a line break or another control character. Enter one number."),
        )


def _without_link(number: str) -> str:
    """Return what follows ``tel:`` or ``callto:``."""
    link = _LINK.match(number)
    if link and ";" in number:
        raise DialError(
            "tel-parameter",
            N_("This link says more than a number (behind “;”). Enter the full number alone."),
        )
    return number[link.end() :] if link else number


def _check_dial_string(number: str) -> None:
    if not number:
        raise DialError("empty", N_("Enter a number to call."))
    if match := _UNDIALLABLE.search(number):
        raise _undiallable(match[0])
    check_text(number, limit=LONGEST_NUMBER)
    if "+" in number[1:]:
        raise DialError("bad-plus", N_("+ can only stand at the beginning of a number."))
    if number.startswith(",") or number.count(",") > MOST_PAUSES:
        raise DialError(
            "bad-pause",
            N_("A comma is a pause: it cannot stand first, and at most %(limit)s are possible."),
            limit=str(MOST_PAUSES),
        )
    if number.startswith("+") and not _INTERNATIONAL.fullmatch(number):
        raise DialError(
            "bad-international",
            N_(
                "This is not an international number. Behind + comes the country code, which never "
                "begins with 0, then the number, together at most 15 digits."
            ),
        )


def _undiallable(character: str) -> DialError:
    if character.isalpha():
        return DialError(
            "letters",
            N_(
                "“%(character)s” is a letter. A number has only digits; enter those that the "
                "letters stand for."
            ),
            character=excerpt(character),
        )
    return DialError(
        "not-a-dial-character",
        N_("“%(character)s” cannot be dialled. A number has only digits, +, *, # and pauses (,)."),
        character=excerpt(character),
    )


def _special_kind(number: str, region: str) -> NumberKind | None:
    """Return the kind of a number that is no subscriber number at all."""
    if "*" in number or "#" in number:
        return NumberKind.FEATURE_CODE
    if len(number) > LONGEST_INTERNAL:
        return None
    if number in {"110", "112"} or phonenumbers.is_emergency_number(number, region):
        return NumberKind.EMERGENCY
    return None if number.startswith(("0", "+")) else NumberKind.INTERNAL


def _written(number: str, number_format: NumberFormat, region: str) -> str:
    if number_format is NumberFormat.AS_ENTERED:
        return number
    parsed = _valid(number, region)
    if parsed and number_format is NumberFormat.NATIONAL and _is_domestic(parsed, region):
        return phonenumbers.normalize_digits_only(
            phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL)
        )
    digits = _international_digits(number, parsed)
    if not digits:
        return number
    return _INTERNATIONAL_PREFIX.get(number_format, "00") + digits


_INTERNATIONAL_PREFIX = {NumberFormat.E164: "+", NumberFormat.E164_DIGITS: ""}
"""What stands before the country code; a foreign number in national format is dialled with 00."""


def _international_digits(number: str, parsed: PhoneNumber | None) -> str:
    """Return country code and number, "" if they are not certain."""
    if parsed:
        return f"{parsed.country_code}{phonenumbers.national_significant_number(parsed)}"
    written_out = _WRITTEN_OUT.fullmatch(number)
    return written_out[1] if written_out else ""


def _with_outside_line(number: str, number_format: NumberFormat, prefix: str) -> str:
    if not prefix or not number.startswith("+"):
        return prefix + number
    return number if number_format is NumberFormat.E164 else f"{prefix}00{number[1:]}"


@lru_cache(maxsize=4096)
def _valid(number: str, region: str) -> PhoneNumber | None:
    """Return the number as ``phonenumbers`` understands it, None unless it is certain."""
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed) or _is_local(number, region):
        return None
    significant = phonenumbers.national_significant_number(parsed)
    if len(f"{parsed.country_code}{significant}") > MOST_DIGITS:
        return None
    # Some countries rewrite numbers (Argentina's mobiles): then no digit is where it was.
    return parsed if number.endswith(significant) else None


def _is_local(number: str, region: str) -> bool:
    """Tell whether an area code is missing.

    The library takes 30262422 for a number in Berlin (030), but without the leading zero it
    is one in the own town. Full numbers have no such digit only where the country has none,
    and in North America, where it is left out as a rule.
    """
    trunk = phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True) or ""
    return trunk != "1" and not number.startswith(("+", "00", trunk))


def _is_domestic(parsed: PhoneNumber, region: str) -> bool:
    return parsed.country_code == phonenumbers.country_code_for_region(region)


def _readable(number: str, parsed: PhoneNumber) -> str:
    """Return the number spaced as its country does it, with the digits as they are."""
    if number.startswith("+"):
        shown = phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL)
    elif number.startswith("00"):
        shown = "00" + phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL)[1:]
    else:
        shown = phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL)
    same = phonenumbers.normalize_digits_only(shown) == number.removeprefix("+")
    return shown if same else number


_KINDS = {
    PhoneNumberType.FIXED_LINE: NumberKind.FIXED_LINE,
    PhoneNumberType.MOBILE: NumberKind.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: NumberKind.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.TOLL_FREE: NumberKind.TOLL_FREE,
    PhoneNumberType.SHARED_COST: NumberKind.SHARED_COST,
    PhoneNumberType.PREMIUM_RATE: NumberKind.PREMIUM,
    PhoneNumberType.VOIP: NumberKind.VOIP,
    PhoneNumberType.PERSONAL_NUMBER: NumberKind.PERSONAL,
    PhoneNumberType.UAN: NumberKind.COMPANY,
}
