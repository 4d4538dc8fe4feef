"""Dial permissions: what may be called, by the class of the number and its country."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from portal.dialing.number_class import OUTSIDE_LINE_DIGITS, NumberClass, Reading, readings
from portal.errors import N_


class Permission(StrEnum):
    """What is said to a call; the later, the stricter."""

    ALLOW = "allow"
    CONFIRM = "confirm"
    REFUSE = "refuse"

    @property
    def strictness(self) -> int:
        """The place in the order from generous to strict."""
        return list(Permission).index(self)


DEFAULTS: Mapping[NumberClass, Permission] = {
    **dict.fromkeys(NumberClass, Permission.REFUSE),
    NumberClass.INTERNAL: Permission.ALLOW,
    NumberClass.NATIONAL: Permission.ALLOW,
    NumberClass.MOBILE: Permission.ALLOW,
    NumberClass.INTERNATIONAL: Permission.CONFIRM,
}
"""What holds until an administrator decides otherwise."""


MEANINGS: Mapping[NumberClass, str] = {
    NumberClass.INTERNAL: N_("an internal number"),
    NumberClass.NATIONAL: N_("a number in this country"),
    NumberClass.MOBILE: N_("a mobile number of this country"),
    NumberClass.INTERNATIONAL: N_("a number abroad"),
    NumberClass.UNKNOWN: N_("a number that is not known to be in use"),
    NumberClass.SHARED_COST: N_("a service number with a price of its own"),
    NumberClass.FEATURE_CODE: N_("a feature code, which can divert calls"),
    NumberClass.SATELLITE: N_("a number of a satellite or another global network"),
    NumberClass.PREMIUM: N_("a premium-rate number"),
    NumberClass.EMERGENCY: N_("an emergency number"),
}
"""What a class means, to stand in a sentence."""


_PLAIN = {
    NumberClass.INTERNAL,
    NumberClass.NATIONAL,
    NumberClass.MOBILE,
    NumberClass.INTERNATIONAL,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What is said to one call, and because of which reading of its number."""

    permission: Permission
    reading: Reading
    is_ambiguous: bool = False
    """Whether the number can also be read in another way, which alone would be less strict."""

    @property
    def number_class(self) -> NumberClass:
        """The class that decides."""
        return self.reading.number_class

    @property
    def meaning(self) -> str:
        """What that class means; to be translated."""
        return MEANINGS[self.number_class]

    @property
    def is_plain(self) -> bool:
        """Whether it is a number as people have them, not one of the special classes."""
        return self.number_class in _PLAIN


@dataclass(frozen=True, slots=True)
class Rules:
    """The dial permissions of one role."""

    classes: Mapping[NumberClass, Permission] = field(default_factory=lambda: DEFAULTS)
    countries: Mapping[str, Permission] = field(default_factory=dict)
    """Countries, by ISO code, with another rule than that for international numbers."""

    def of(self, reading: Reading) -> Permission:
        """Return what holds for one reading of a number."""
        if reading.country in self.countries:
            return self.countries[reading.country]
        return self.classes.get(reading.number_class, Permission.REFUSE)

    def decide(self, found: Iterable[Reading]) -> Decision:
        """Return what the strictest reading says; of equally strict ones the most dangerous."""
        read = list(found)
        reading = max(read, key=lambda each: (self.of(each).strictness, each.number_class.danger))
        permission = self.of(reading)
        is_ambiguous = any(self.of(other) is not permission for other in read)
        return Decision(permission, reading, is_ambiguous)


def call_readings(
    number: str, dialled: Iterable[str], *, region: str, outside_prefix: str
) -> tuple[Reading, ...]:
    """Return every way to read the number of a call.

    ``number`` is what was entered: it may begin with digits for an outside line. ``dialled``
    is what comes of it behind those digits.
    """
    outside_digits = (*OUTSIDE_LINE_DIGITS, outside_prefix)
    found = readings(number, region=region, outside_digits=outside_digits)
    for form in dialled:
        found += readings(form, region=region, outside_digits=())
    return found
