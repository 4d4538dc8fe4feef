"""What would happen if a number were called: worked out in one place, shown and done alike."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from typing import ParamSpec, TypeVar
from urllib.parse import quote, unquote

from portal import accounts, credentials, permissions, phone_systems, rights, targets
from portal.dialing.handler import Resolution, resolve
from portal.dialing.number import NumberFormat, NumberInfo, clean, describe, format_number
from portal.dialing.number_class import NumberClass
from portal.dialing.permission import Decision, Permission, Rules, call_readings
from portal.dialing.target import check_listed, check_url, fixed_destination
from portal.dialing.template import Expansion, OpenMode, Template, expand, parse
from portal.dialing.variables import VARIABLES, Source
from portal.errors import N_, DialError, ForbiddenError, PortalError, UnconfirmedError
from portal.extensions import config
from portal.identity import Identity
from portal.phones import DEFAULT, DialPhone

P = ParamSpec("P")
T = TypeVar("T")

_NUMBER = VARIABLES["NUMBER"]
_ANY_VALUE = "x"
"""Stands for a value that is missing, so that the rest of the URL can be shown."""

_STAND_INS = {"CALLID": "00000000-0000-0000-0000-000000000000", "SESSID": _ANY_VALUE}
"""Stands for the values that are made when the call is made."""


class Mend(StrEnum):
    """Where a problem can be mended, or who has to be asked."""

    NUMBER = "number"
    PROFILE = "profile"
    SECURITY = "security"
    OWN_PHONES = "own-phones"
    DEFAULT_PHONE = "default-phone"
    STATUS = "status"
    TARGETS = "targets"
    PERMISSIONS = "permissions"
    TIME = "time"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason why a call cannot work, and where to mend it."""

    error: PortalError
    mend: Mend


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is known of a call before it is made."""

    phone: DialPhone
    problems: tuple[Problem, ...]
    number: str
    """The canonical dial string; empty if there is none."""
    formatted: str
    """The number as this phone system gets it."""
    info: NumberInfo | None
    resolution: Resolution | None
    """The dial URL with its handlers replaced; None if that fails."""
    template: Template | None
    """The dial URL checked; None if it is wrong."""
    expansion: Expansion | None
    """The dial URL with all values; anything stands for those in ``missing``."""
    missing: frozenset[str]
    """The variables that have no value."""
    decision: Decision | None
    """What the dial permissions say; None if there is no number."""
    target: str
    """Host and port that the server will contact; empty if it will not, or that is not known."""

    @property
    def leaves_page(self) -> bool:
        """Whether the browser shows another page in place of the portal's."""
        scheme = self.template.scheme if self.template else ""
        return self.phone.open_mode is OpenMode.CLIENT and scheme in {"http", "https"}

    @property
    def hides_secrets(self) -> bool:
        """Whether the URL to show has secrets masked."""
        variables = self.template.variables if self.template else ()
        return any(variable.secret for variable in variables)

    @property
    def asks(self) -> bool:
        """Whether the call is made only if the user says once more that it is meant."""
        return self.decision is not None and self.decision.permission is Permission.CONFIRM

    @property
    def gives_token(self) -> bool:
        """Whether the phone system gets a call token."""
        return self.template is not None and "SESSID" in _names(self.template)

    @property
    def is_complete(self) -> bool:
        """Whether the URL is known with all its values, even if it may not be opened."""
        return self.expansion is not None and not self.missing

    def ready(self) -> Expansion:
        """Return the URL to open, or raise the first problem."""
        if self.problems:
            raise self.problems[0].error
        assert self.expansion is not None  # noqa: S101 - there is one unless there is a problem
        return self.expansion

    def require_confirmation(self, confirmed: str) -> None:
        """Raise UnconfirmedError unless the user has said that this very number is meant."""
        if self.asks and confirmed != self.number:
            raise UnconfirmedError(
                "not-confirmed", N_("This call has to be confirmed. Nothing has been called yet.")
            )


def plan(
    caller: Identity,
    number_text: str,
    phone: DialPhone,
    call_values: Mapping[str, str] | None = None,
) -> Plan:
    """Work out a call as far as possible, with every reason why it cannot work.

    ``call_values`` are the values of those variables that belong to the one call. Without
    them the plan is only to be shown: then something stands for the secrets.
    """
    problems = _Problems()
    standing = permissions.standing()
    if standing.stop:
        problems.append(Problem(standing.stop.error(), Mend.PERMISSIONS))
    number = problems.attempt(Mend.NUMBER, clean, number_text) or ""
    if not rights.may_dial(caller):
        problems.append(_no_right())
    formatted = _format(number, phone)
    at_phone = _mend_phone(caller, phone)
    resolution = problems.attempt(at_phone, resolve, phone.url, phone.handlers)
    template = problems.attempt(at_phone, _parse, resolution.url, phone) if resolution else None
    expansion, missing, target = None, frozenset[str](), ""
    if template:
        values = {"NUMBER": formatted, **_own_values(caller)}
        values |= _call_values(caller, template, call_values, problems)
        missing = frozenset(name for name in _names(template) if not values.get(name))
        expansion = _expand(template, values, missing, problems, at_phone)
        if expansion and phone.contacts_target and _has_host(template, missing):
            target = _check_target(caller, phone, expansion, problems)
            if phone.has_trouble:
                _check_trouble(caller, template, target, problems)
    decision = _decide(standing.rules[caller.role], number, formatted, phone, expansion)
    if decision and decision.permission is Permission.REFUSE:
        problems.insert(0, _not_permitted(number, decision))
    return Plan(
        phone=phone,
        problems=tuple(problems),
        number=number,
        formatted=formatted,
        info=describe(number, region=config().default_region) if number else None,
        resolution=resolution,
        template=template,
        expansion=expansion,
        missing=missing,
        decision=decision,
        target=target,
    )


def tel_link(number: str) -> str:
    """Return a canonical number as a ``tel:`` link, for a phone program of the user's own."""
    international = format_number(number, NumberFormat.E164, region=config().default_region)
    return f"tel:{quote(international, safe='+*,')}"


class _Problems(list[Problem]):
    """The problems found so far."""

    def attempt(
        self, mend: Mend, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T | None:
        """Take a step of the plan; if it fails, note where that can be mended and go on."""
        try:
            return step(*args, **kwargs)
        except PortalError as error:
            self.append(Problem(error, mend))
            return None


def _no_right() -> Problem:
    error = ForbiddenError("may-not-dial", N_("You do not have the right to call from here."))
    return Problem(error, Mend.ADMINISTRATOR)


def _decide(
    rules: Rules, number: str, formatted: str, phone: DialPhone, expansion: Expansion | None
) -> Decision | None:
    """Return what the dial permissions say to a number, in each way that it can be dialled."""
    if not number:
        return None
    found = call_readings(
        number,
        _dialled(number, formatted, phone, expansion),
        region=config().default_region,
        outside_prefix=phone.outside_prefix,
    )
    return rules.decide(found)


def _dialled(
    number: str, formatted: str, phone: DialPhone, expansion: Expansion | None
) -> Iterator[str]:
    """Return what the phone system gets behind the digits for an outside line."""
    if formatted != number:
        plus = "+" if phone.number_format is NumberFormat.E164_DIGITS else ""
        yield plus + formatted.removeprefix(phone.outside_prefix)
    before = _digits_before_number(expansion) if expansion else ""
    if before == "+" or len(before) > 1:  # one digit alone gets an outside line
        yield before + formatted.lstrip("+")


def _digits_before_number(expansion: Expansion) -> str:
    """Return what a phone system would take for the beginning of the number."""
    before = takewhile(lambda part: part.variable is not _NUMBER, expansion.parts)
    text = unquote("".join(part.text for part in before))
    return text[len(text.rstrip("0123456789+*#")) :]


def _not_permitted(number: str, decision: Decision) -> Problem:
    """Return why a number may not be called."""
    reading = decision.reading
    if reading.number_class is NumberClass.EMERGENCY:
        return Problem(ForbiddenError("emergency-number", _EMERGENCY, number=number), Mend.NUMBER)
    if reading.country:
        error = ForbiddenError("country-refused", _COUNTRY_REFUSED, country=reading.country)
    else:
        sentence = _READING_REFUSED if decision.is_ambiguous else _CLASS_REFUSED
        error = ForbiddenError(
            "class-refused", sentence, reading=reading.written, meaning=decision.meaning
        )
    return Problem(error, Mend.PERMISSIONS)


_EMERGENCY = N_(
    "Dial %(number)s on your phone. The portal does not make emergency calls: it does not know "
    "where you are, and nobody would notice if the call failed."
)
_CLASS_REFUSED = N_("This is %(meaning)s. You may not call such numbers from here.")
_COUNTRY_REFUSED = N_("You may not call this country from here: %(country)s.")
_READING_REFUSED = N_(
    "Phone systems can read this number as %(reading)s. That is %(meaning)s, which you may not "
    "call from here. If you mean another number, enter it with + and its country code."
)


def _format(number: str, phone: DialPhone) -> str:
    return number and format_number(
        number,
        phone.number_format,
        region=config().default_region,
        outside_prefix=phone.outside_prefix,
    )


def _parse(url: str, phone: DialPhone) -> Template:
    return parse(
        url,
        phone.open_mode,
        extra_schemes=phone.extra_schemes,
        secrets_allowed=phone.secrets_allowed,
    )


def _names(template: Template) -> list[str]:
    return [variable.name for variable in template.variables]


def _own_values(caller: Identity) -> dict[str, str]:
    return {
        **caller.record,
        "USERID": str(caller.id),
        "CTI_USER": caller.cti_user,
        "CTI_PHONE": caller.cti_phone,
    }


def _call_values(
    caller: Identity,
    template: Template,
    given: Mapping[str, str] | None,
    problems: _Problems,
) -> Mapping[str, str]:
    """Return the values of the one call, with the password if this URL needs it."""
    values = _STAND_INS if given is None else given
    if "CTI_PASS" not in _names(template):
        return values
    password = problems.attempt(Mend.SECURITY, accounts.cti_password, caller)
    if password is None or (password and given is None):
        password = _ANY_VALUE
    return {**values, "CTI_PASS": password}


def _expand(
    template: Template,
    values: Mapping[str, str],
    missing: frozenset[str],
    problems: _Problems,
    at_phone: Mend,
) -> Expansion | None:
    """Insert the values; report each that is missing, and show the rest all the same."""
    filled = {**values, **dict.fromkeys(missing, _ANY_VALUE)}
    for name in _names(template):
        if name in missing and name != "NUMBER":
            problems.attempt(_mend_value(name, at_phone), expand, template, {**filled, name: ""})
    try:
        return expand(template, filled)
    except DialError as error:
        problems.append(Problem(error, _mend_value(error.variable, at_phone)))
        return None


def _has_host(template: Template, missing: frozenset[str]) -> bool:
    """Tell whether it is known where the URL leads: a variable may be the host."""
    return "CTI_PHONE" not in missing or fixed_destination(template) is not None


def _check_target(
    caller: Identity,
    phone: DialPhone,
    expansion: Expansion,
    problems: _Problems,
) -> str:
    """Return the target, reported if it may not be contacted, as far as its name tells."""
    destination = problems.attempt(_mend_phone(caller, phone), check_url, expansion.url)
    if destination is None:
        return ""
    allow = targets.allow_list_at(phone.targets_version)
    may_mend = rights.may_administer(caller)
    at_list = Mend.TARGETS if may_mend else Mend.ADMINISTRATOR
    problems.attempt(at_list, check_listed, destination, allow)
    return str(destination)


def _check_trouble(caller: Identity, template: Template, target: str, problems: _Problems) -> None:
    """Report a phone system that has a pause, and credentials that it refuses."""
    at_pause = Mend.STATUS if rights.may_administer(caller) else Mend.TIME
    problems.attempt(at_pause, phone_systems.check, target)
    problems.attempt(Mend.SECURITY, credentials.check, caller, template, target)


def _mend_phone(caller: Identity, phone: DialPhone) -> Mend:
    if phone.key == DEFAULT:
        return Mend.DEFAULT_PHONE if rights.may_administer(caller) else Mend.ADMINISTRATOR
    can_mend = rights.may_manage_phones(caller, caller.id)
    return Mend.OWN_PHONES if can_mend else Mend.ADMINISTRATOR


def _mend_value(name: str, otherwise: Mend) -> Mend:
    """Return where the value of a variable comes from."""
    variable = VARIABLES.get(name)
    return _MENDS.get(variable.source, otherwise) if variable else otherwise


_MENDS: Mapping[Source, Mend] = {
    Source.NUMBER: Mend.NUMBER,
    Source.CTI: Mend.SECURITY,
    Source.RECORD: Mend.PROFILE,
}
