"""A phone as somebody enters it: whether it can work, and what a sample number becomes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar

from portal.dialing.handler import Resolution, Step, resolve
from portal.dialing.number import NumberFormat, check_outside_prefix, clean, format_number
from portal.dialing.target import (
    AllowList,
    Destination,
    check_entry,
    check_listed,
    fixed_destination,
    is_named,
    parse_entry,
)
from portal.dialing.template import OpenMode, Template, expand, parse
from portal.dialing.variables import RECORD_PREFIX, VARIABLES, Variable, check_value
from portal.errors import N_, DialError, InvalidError
from portal.models import Phone

SAMPLE_NUMBER = "0361 30262-422"
SAMPLE_REGION = "DE"
LONGEST_NAME = 80

_ANY_VALUE = "x"
"""Stands in a sample for a value that is missing or secret; possible at every place of a URL."""
_CALL_VALUES = {"CALLID": "01234567-89ab-cdef-0123-456789abcdef", "SESSID": _ANY_VALUE}
_WRONG = re.compile(r"<#[^<]*?#>|[A-Za-z0-9_.%-]+|.", re.DOTALL)
"""What is marked of a wrong URL: a variable, a word, or one character."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a form says about a phone."""

    name: str
    url: str
    open_mode: OpenMode = OpenMode.SERVER
    number_format: NumberFormat = NumberFormat.AS_ENTERED
    outside_prefix: str = ""
    secrets_allowed: bool = False

    @classmethod
    def of(cls, phone: Phone) -> "Draft":
        """Return what a form shows of a stored phone."""
        return cls(
            phone.name,
            phone.url,
            phone.open_mode,
            phone.number_format,
            phone.outside_prefix,
            phone.secrets_allowed,
        )

    def with_grant_of(self, phone: Phone | None) -> "Draft":
        """Let secrets into the URL only if an administrator has allowed it for this very URL."""
        granted = (
            phone is not None
            and phone.secrets_allowed
            and phone.url == self.url.strip()
            and phone.open_mode is self.open_mode
        )
        return replace(self, secrets_allowed=granted)


@dataclass(frozen=True, slots=True)
class Rules:
    """What all dial URLs build on: CTI handlers, added schemes and allowed targets."""

    handlers: Mapping[str, str]
    extra_schemes: frozenset[str] = frozenset()
    allow: AllowList | None = None
    """None does not look at where a URL leads."""


@dataclass(frozen=True, slots=True)
class SamplePart:
    """A piece of a sample URL as it may be shown."""

    masked: str
    variable: Variable | None = None
    """Where it comes from, if it is not fixed text."""
    missing: bool = False
    """Whether the variable has no value; the text is then its name."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL is wrong: the text before, at and behind the place."""

    before: str
    wrong: str
    behind: str
    is_entered: bool
    """Whether it is the text that was entered, not what a handler made of it."""


@dataclass(frozen=True, slots=True)
class Check:
    """What a dial URL comes to, or what is wrong with it."""

    sample_number: ClassVar[str] = SAMPLE_NUMBER

    url: str = ""
    """The URL once handler names are replaced; empty while nothing is entered."""
    open_mode: OpenMode = OpenMode.SERVER
    steps: tuple[Step, ...] = ()
    variables: tuple[Variable, ...] = ()
    sample: tuple[SamplePart, ...] = ()
    problem: InvalidError | None = None
    """Why the phone cannot be saved."""
    place: Place | None = None
    """Where the problem is, if that is known."""
    sample_problem: DialError | None = None
    """Why the user's own values do not fit, although the URL can be saved."""
    target: Destination | None = None
    """Where the server will send the request, if no variable decides that."""
    is_closed: bool = False
    """Whether the target is not allowed: the problem, until somebody decides about it."""
    depends_on_address: bool = False
    """Whether the target may be contacted only if its address lies in an allowed network."""
    offer: str = ""
    """What has to be allowed for it, if anything, and can be."""

    @property
    def lacks_number(self) -> bool:
        """Whether the number to call stands nowhere in a URL that is otherwise right."""
        return bool(self.url) and self.problem is None and VARIABLES["NUMBER"] not in self.variables

    @property
    def needless_prefix(self) -> str:
        """The prefix in the URL that changes nothing, "" if there is none."""
        return RECORD_PREFIX if f"<#{RECORD_PREFIX}" in self.url and not self.problem else ""

    @property
    def missing(self) -> tuple[Variable, ...]:
        """The variables for which the user has no value."""
        return tuple(
            dict.fromkeys(part.variable for part in self.sample if part.variable and part.missing)
        )


def check(draft: Draft, rules: Rules, values: Mapping[str, str] = MappingProxyType({})) -> Check:
    """Check the URL, mode and prefix of a phone.

    This is the one check: the same for showing while somebody types and for saving.
    ``values`` are those of the user who looks at the sample.
    """
    if not draft.url.strip():
        return Check()
    try:
        resolution = resolve(draft.url, rules.handlers)
    except DialError as problem:
        return Check(draft.url.strip(), draft.open_mode, problem=_at("url", problem))
    result = Check(resolution.url, draft.open_mode, steps=resolution.steps)
    try:
        template = parse(
            resolution.url,
            draft.open_mode,
            extra_schemes=rules.extra_schemes,
            secrets_allowed=draft.secrets_allowed,
        )
    except DialError as problem:
        return replace(result, problem=_at("url", problem), place=_place(problem, resolution))
    result = replace(result, variables=template.variables)
    try:
        prefix = check_outside_prefix(draft.outside_prefix)
    except DialError as problem:
        return replace(result, problem=_at("outside_prefix", problem))
    if draft.open_mode is OpenMode.SERVER and rules.allow is not None:
        result = with_target(result, template, rules.allow)
    number = sample_number(draft.number_format, prefix)
    try:
        sample = _sample(template, {**values, "NUMBER": number, **_CALL_VALUES})
    except DialError as problem:
        return replace(result, sample_problem=problem)
    return replace(result, sample=sample)


def with_target(result: Check, template: Template, allow: AllowList) -> Check:
    """Add to a check where the server will send the request, and whether it may."""
    try:
        target = fixed_destination(template)
    except DialError as problem:
        return replace(result, problem=_at("url", problem))
    if target is None:
        return result
    result = replace(result, target=target)
    try:
        check_listed(target, allow)
    except DialError as refusal:
        return _closed(result, str(target), refusal)
    return replace(result, depends_on_address=not is_named(target, allow))


def checked(draft: Draft, found: Check) -> Draft:
    """Return a draft that was checked as it can be stored, or raise what is wrong with it."""
    name = check_value(draft.name.strip(), field="name")
    if not name:
        raise InvalidError("name-missing", N_("Give the phone a name."), field="name")
    if len(name) > LONGEST_NAME:
        raise InvalidError(
            "too-long",
            N_("This name is too long. At most %(limit)s characters are possible."),
            field="name",
            limit=str(LONGEST_NAME),
        )
    if not draft.url.strip():
        raise InvalidError("url-missing", N_("Enter the URL that opens a call."), field="url")
    if found.problem:
        raise found.problem
    return replace(
        draft,
        name=name,
        url=draft.url.strip(),
        outside_prefix=check_outside_prefix(draft.outside_prefix),
        secrets_allowed=draft.secrets_allowed and draft.open_mode is not OpenMode.SERVER,
    )


def sample_number(number_format: NumberFormat, outside_prefix: str = "") -> str:
    """Return the sample number in a number format."""
    return format_number(
        clean(SAMPLE_NUMBER), number_format, region=SAMPLE_REGION, outside_prefix=outside_prefix
    )


def _closed(result: Check, entry: str, refusal: DialError) -> Check:
    """Refuse a target, and offer to allow it unless no list can open it."""
    try:
        check_entry(parse_entry(entry))
    except DialError as impossible:
        return replace(result, is_closed=True, problem=_at("url", impossible))
    return replace(result, is_closed=True, problem=_at("url", refusal), offer=entry)


def _at(field: str, problem: DialError) -> DialError:
    """Say to which field of a form a problem belongs."""
    problem.field = field
    return problem


def _place(problem: DialError, resolution: Resolution) -> Place | None:
    if problem.position is None:
        return None
    entered = resolution.entered_position(problem.position)
    text = resolution.url if entered is None else resolution.entered
    start = problem.position if entered is None else entered
    found = _WRONG.match(text, start)
    end = found.end() if found else start
    return Place(text[:start], text[start:end], text[end:], is_entered=entered is not None)


def _sample(template: Template, values: Mapping[str, str]) -> tuple[SamplePart, ...]:
    missing = {variable.name for variable in template.variables if not values.get(variable.name)}
    expansion = expand(template, {**values, **dict.fromkeys(missing, _ANY_VALUE)})
    return tuple(
        SamplePart(part.variable.name, part.variable, missing=True)
        if part.variable and part.variable.name in missing
        else SamplePart(part.masked, part.variable)
        for part in expansion.parts
    )
