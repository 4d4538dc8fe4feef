"""What would happen if a number were called: worked out in one place, shown and done alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ParamSpec, TypeVar
from urllib.parse import quote

from portal import accounts, credentials, phone_systems, rights, targets
from portal.dialing.handler import Resolution, resolve
from portal.dialing.number import NumberFormat, NumberInfo, clean, describe, format_number
from portal.dialing.target import check_listed, check_url, fixed_destination
from portal.dialing.template import Expansion, OpenMode, Template, expand, parse
from portal.dialing.variables import VARIABLES, Source
from portal.errors import N_, DialError, ForbiddenError, PortalError
from portal.extensions import config
from portal.identity import Identity
from portal.phones import DEFAULT, DialPhone

P = ParamSpec("P")
T = TypeVar("T")

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
    def is_complete(self) -> bool:
        """Whether the URL is known with all its values, even if it may not be opened."""
        return self.expansion is not None and not self.missing

    def ready(self) -> Expansion:
        """Return the URL to open, or raise the first problem."""
        if self.problems:
            raise self.problems[0].error
        assert self.expansion is not None  # noqa: S101 - there is one unless there is a problem
        return self.expansion


def plan(
    caller: Identity,
    number_text: str,
    phone: DialPhone,
    call_values: Mapping[str, str] | None = None,
) -> Plan:
    """Work out a call as far as possible, with every reason why it cannot work.

    ``call_values`` are the values of those variables that belong to the one call. Without
    them the plan is only to be shown: then no secret is opened, something stands for it.
    """
    problems = _Problems()
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
    if given is None:
        return {**_STAND_INS, "CTI_PASS": caller.cti_pass_sealed and _ANY_VALUE}
    if "CTI_PASS" not in _names(template):
        return given
    password = problems.attempt(Mend.SECURITY, accounts.cti_password, caller)
    return {**given, "CTI_PASS": _ANY_VALUE if password is None else password}


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
