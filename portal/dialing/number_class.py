"""What a call to a number may cost or set off: every way to read the number, each with its class.

A string of digits means different things to different phone systems: ``00900…`` is a number in a
country 900, and a premium number behind the digit for an outside line. Nobody here knows which
system will get it, so all its readings are returned, and the strictest of them decides.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberType, ShortNumberCost
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE

from portal.dialing.number import LONGEST_INTERNAL, MOST_DIGITS

OUTSIDE_LINE_DIGITS = ("0", "9")
"""What usually gets an outside line, be it that somebody dials it by hand."""
LONGEST_LOCAL = 10
"""So many digits without a prefix can be a number in the own town."""
LONGEST_LOCAL_NANP = 7
"""The same in North America, where the area code is no longer without a prefix."""
LENGTH_NANP = 10
"""Digits of every number in North America, area code included."""
SHORTEST_FOREIGN = 9
"""So many digits without a prefix can begin with a country code: some systems want them so."""
SHORTEST_BY_TONES = 7
"""So many digits behind a pause can be a number that somebody else's phone system then dials."""
SHORTEST_SERVICE = 5
"""118xx; what is shorter is an extension."""

SHORTEST_IN_PLAN = 7
"""No country has shorter numbers, its code included, that are worth a second look."""
LONGEST_PREFIX = 5
"""The longest entry of the list of prefixes."""

_PREFIXES = Path(__file__).with_name("prefixes.toml")


class NumberClass(StrEnum):
    """What a number is to whoever pays for the call; the later, the more dangerous."""

    INTERNAL = "internal"
    NATIONAL = "national"
    MOBILE = "mobile"
    INTERNATIONAL = "international"
    UNKNOWN = "unknown"
    SHARED_COST = "shared_cost"
    FEATURE_CODE = "feature_code"
    SATELLITE = "satellite"
    PREMIUM = "premium"
    EMERGENCY = "emergency"

    @property
    def danger(self) -> int:
        """The place in the order from harmless to dangerous."""
        return list(NumberClass).index(self)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a number."""

    number_class: NumberClass
    written: str
    """The number as this reading takes it."""
    country: str = ""
    """ISO code of the country of an international number."""


@lru_cache(maxsize=4096)
def readings(
    number: str, *, region: str = "DE", outside_digits: tuple[str, ...] = OUTSIDE_LINE_DIGITS
) -> tuple[Reading, ...]:
    """Return every way to read a canonical number, the most dangerous first.

    ``outside_digits`` are what may stand in front for an outside line.

    >>> [reading.number_class.value for reading in readings("0361 30262422".replace(" ", ""))]
    ['national']
    >>> readings("00900123456")[0]
    Reading(number_class=<NumberClass.PREMIUM: 'premium'>, written='+49900123456', country='')
    """
    reader = _Reader(region, tuple(filter(None, outside_digits)))
    reader.read(number)
    found = reader.found or [Reading(NumberClass.UNKNOWN, number)]
    return tuple(sorted(found, key=lambda reading: -reading.number_class.danger))


class _Reader:
    """Follows what a phone system may make of a number, step by step."""

    def __init__(self, region: str, outside_digits: tuple[str, ...]) -> None:
        self.found: list[Reading] = []
        self._seen: set[str] = set()
        self._region = region
        self._outside_digits = outside_digits
        self._code = str(phonenumbers.country_code_for_region(region))
        self._trunk = phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True) or ""
        """What stands before an area code."""
        self._abroad = _international_prefix(region)

    def read(self, number: str) -> None:
        """Read a number with its pauses: what comes behind one may be dialled or sent as tones."""
        head, *tones = number.split(",")
        self._dial(head)
        if tones:
            self._dial(re.sub("[^0-9+]", "", number))
            if head in self._outside_digits:
                self._dial(number[len(head) :].replace(",", ""))
            for part in re.split("[*#]", "#".join(tones)):
                if len(part) >= SHORTEST_BY_TONES and part.startswith("0"):
                    self._dial(part)

    def _dial(self, number: str) -> None:
        """Read what is dialled, internal numbers included."""
        if not number or number in self._seen:
            return
        self._seen.add(number)
        if "*" in number or "#" in number:
            self._read_feature_code(number)
        elif number.startswith("+"):
            self._read_international(number[1:])
        elif _is_emergency(number, self._region):
            self._add(NumberClass.EMERGENCY, number)
        else:
            self._read_digits(number)

    def _read_feature_code(self, code: str) -> None:
        """Read a code, and the numbers in it: it can divert calls to them."""
        self._add(NumberClass.FEATURE_CODE, code)
        for part in re.split("[*#]", code):
            for start in (0, 2, 3):  # *67 and the number may stand without a sign in between
                self._dial(part[start:])

    def _read_digits(self, digits: str) -> None:
        self._read_with_outside_line(digits)
        if abroad := self._abroad.match(digits):
            self._read_international(digits[abroad.end() :])
        elif self._trunk and digits.startswith(self._trunk) and len(digits) > 1:
            self._read_domestic(digits[len(self._trunk) :])
        elif digits.startswith("0") and digits != "0":
            self._read_domestic(digits)
        elif len(digits) > LONGEST_INTERNAL:
            self._read_without_prefix(digits)
        elif self._is_service(digits):
            self._add(NumberClass.PREMIUM, digits)
        else:
            self._add(NumberClass.INTERNAL, digits)

    def _read_with_outside_line(self, digits: str) -> None:
        """Read what is behind the digits for an outside line, if those come first."""
        for outside in self._outside_digits:
            rest = digits.removeprefix(outside)
            # Extensions that begin with 9 are as usual as the 9 for an outside line.
            if rest == digits or (outside == "9" and len(digits) <= LONGEST_INTERNAL):
                continue
            if rest.startswith(("0", self._trunk or "0")) or self._is_full(rest):
                self._dial(rest)
            elif _is_emergency(rest, self._region):
                self._add(NumberClass.EMERGENCY, rest)
            elif self._is_service(rest):
                self._add(NumberClass.PREMIUM, rest)

    def _is_full(self, digits: str) -> bool:
        """Tell whether these are area code and number of a country that has no prefix for them."""
        return self._trunk == "1" and len(digits) >= LENGTH_NANP

    def _read_domestic(self, digits: str) -> None:
        """Read a number with area code, or one behind a choice of carrier."""
        self._read_international(self._code + digits)
        if self._code == "49" and digits.startswith("10"):  # 010xx and 0100xx
            self._dial(digits[4:])
            self._dial(digits[5:])

    def _read_without_prefix(self, digits: str) -> None:
        """Read a number in the own town, one whose first zero is missing, or one of E.164."""
        if len(digits) <= (LONGEST_LOCAL if self._trunk != "1" else LONGEST_LOCAL_NANP):
            self._add(NumberClass.NATIONAL, digits)
        self._read_domestic(digits)
        if len(digits) >= SHORTEST_FOREIGN and (_listed(digits) or _valid(digits)):
            self._read_international(digits)

    def _read_international(self, digits: str) -> None:
        """Read a number that begins with its country code."""
        code = _country_code(digits)
        rest = digits[len(code) :]
        if code == self._code and rest.startswith("0") and self._trunk == "0":
            self._dial(rest)
        if listed := _listed(digits) or _listed(code + rest.lstrip("0")):
            self._add(listed, f"+{digits}")
        elif code:
            self._read_by_plan(digits, code)

    def _read_by_plan(self, digits: str, code: str) -> None:
        """Read a number by the numbering plan of its country, or countries if that is unclear."""
        number = _in_plan(digits)
        kind = phonenumbers.number_type(number) if number else PhoneNumberType.UNKNOWN
        country = phonenumbers.region_code_for_number(number) if number else None
        if extra := _EXTRA.get(kind):
            self._add(extra, f"+{digits}")
        elif country == self._region:
            self._add(_DOMESTIC[kind], f"+{digits}")
        elif country:
            self._add(NumberClass.INTERNATIONAL, f"+{digits}", country)
        elif code != self._code:
            for possible in phonenumbers.region_codes_for_country_code(int(code)):
                self._add(NumberClass.INTERNATIONAL, f"+{digits}", possible)

    def _is_service(self, digits: str) -> bool:
        """Tell whether a short number without zero is one that costs extra."""
        if not SHORTEST_SERVICE <= len(digits) <= LONGEST_INTERNAL:
            return False
        if _longest(_prefix_lists()[1], self._code + digits):
            return True
        number = PhoneNumber(int(self._code), int(digits))
        cost = phonenumbers.expected_cost_for_region(number, self._region)
        return bool(cost == ShortNumberCost.PREMIUM_RATE)

    def _add(self, number_class: NumberClass, written: str, country: str = "") -> None:
        reading = Reading(number_class, written, country)
        if reading not in self.found:
            self.found.append(reading)


_EXTRA: Mapping[int, NumberClass] = {
    PhoneNumberType.PREMIUM_RATE: NumberClass.PREMIUM,
    PhoneNumberType.SHARED_COST: NumberClass.SHARED_COST,
    PhoneNumberType.PERSONAL_NUMBER: NumberClass.SHARED_COST,
}
"""What costs extra in every country."""
_DOMESTIC: Mapping[int, NumberClass] = {
    PhoneNumberType.FIXED_LINE: NumberClass.NATIONAL,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: NumberClass.NATIONAL,
    PhoneNumberType.TOLL_FREE: NumberClass.NATIONAL,
    PhoneNumberType.VOIP: NumberClass.NATIONAL,
    PhoneNumberType.MOBILE: NumberClass.MOBILE,
    PhoneNumberType.VOICEMAIL: NumberClass.MOBILE,
    PhoneNumberType.UAN: NumberClass.SHARED_COST,
    PhoneNumberType.PAGER: NumberClass.SHARED_COST,
    PhoneNumberType.UNKNOWN: NumberClass.UNKNOWN,
}
"""What the other types of number are in the own country."""


@cache
def _prefix_lists() -> tuple[Mapping[str, NumberClass], Mapping[str, NumberClass]]:
    """Return the prefixes of international numbers, and of those dialled without a zero."""
    lists = tomllib.loads(_PREFIXES.read_text(encoding="utf-8"))
    without_zero = lists.pop("dialled_without_zero")
    return _by_prefix(lists), _by_prefix(without_zero)


def _by_prefix(lists: Mapping[str, list[str]]) -> dict[str, NumberClass]:
    """Turn lists of prefixes round; of two classes for one prefix the more dangerous counts."""
    classes = sorted(map(NumberClass, lists), key=lambda number_class: number_class.danger)
    return {prefix: number_class for number_class in classes for prefix in lists[number_class]}


def _listed(digits: str) -> NumberClass | None:
    """Return the class of the longest listed prefix of an international number."""
    return _longest(_prefix_lists()[0], digits)


def _longest(by_prefix: Mapping[str, NumberClass], digits: str) -> NumberClass | None:
    found = (by_prefix.get(digits[:length]) for length in range(LONGEST_PREFIX, 0, -1))
    return next(filter(None, found), None)


def _is_emergency(digits: str, region: str) -> bool:
    return len(digits) <= LONGEST_INTERNAL and (
        digits in {"110", "112"} or phonenumbers.is_emergency_number(digits, region)
    )


@cache
def _international_prefix(region: str) -> re.Pattern[str]:
    """Return what stands for + in a country; to the portal 00 always does."""
    metadata = PhoneMetadata.metadata_for_region(region)
    own = metadata.international_prefix if metadata else "00"
    return re.compile(f"(?:00|{own})(?=[1-9])")


def _country_code(digits: str) -> str:
    codes = (digits[:length] for length in (1, 2, 3))
    return next((code for code in codes if code and int(code) in COUNTRY_CODE_TO_REGION_CODE), "")


def _valid(digits: str) -> PhoneNumber | None:
    """Return an international number that is in use, as the library understands it."""
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _in_plan(digits: str) -> PhoneNumber | None:
    """Return a number as it is in use, without last digits if need be: exchanges ignore them."""
    longest, shortest = min(len(digits), MOST_DIGITS), SHORTEST_IN_PLAN
    tried = (_valid(digits[:length]) for length in range(longest, shortest - 1, -1))
    return next(filter(None, tried), None)
