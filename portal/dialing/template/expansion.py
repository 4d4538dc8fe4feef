"""Values inserted into a dial URL in one pass; what was inserted is never searched again."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from portal.dialing.host import is_host
from portal.dialing.template.model import (
    DOT_SEGMENT,
    Expansion,
    Literal,
    Part,
    Place,
    Slot,
    Template,
)
from portal.dialing.variables import Source, Variable, check_value
from portal.errors import N_, DialError

LONGEST_URL = 4096

_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")
_NOT_IN_PATH = re.compile(r"\.{1,2}|.*[/\\].*", re.DOTALL)
_DIAL_CHARACTERS = "+*,"


def expand(template: Template, values: Mapping[str, str]) -> Expansion:
    """Insert the values, by name of the variable, each as its place in the URL demands."""
    expansion = Expansion(tuple([_filled(part, values) for part in template.parts]))
    url = expansion.url
    if len(url) > LONGEST_URL:
        raise DialError(
            "too-long",
            N_(
                "With all values inserted the URL is too long. "
                "At most %(limit)s characters are possible."
            ),
            limit=str(LONGEST_URL),
        )
    if DOT_SEGMENT.match(url):
        raise DialError(
            "path-segment",
            N_(
                "With these values the path of the URL gets a part “.” or “..”, which would lead "
                "elsewhere. Change the values."
            ),
        )
    return expansion


def _filled(part: Literal | Slot, values: Mapping[str, str]) -> Part:
    if isinstance(part, Literal):
        return Part(part.text)
    return Part(_written(part, values.get(part.variable.name)), part.variable)


def _written(slot: Slot, value: object) -> str:
    """Return a value as it stands in the URL."""
    name = slot.variable.name
    if value is None or value == "":
        raise _missing(slot.variable)
    text = check_value(value, variable=name)
    if slot.place is Place.HOST:
        return _checked_host_value(text, name)
    if slot.place is Place.PATH and _NOT_IN_PATH.fullmatch(text):
        raise DialError(
            "path-segment",
            N_(
                "“%(name)s” stands in the path of the URL: its value must not be “.” or “..” "
                "or contain a slash."
            ),
            variable=name,
            name=name,
        )
    if _UNRESERVED.fullmatch(text):
        return text
    return quote(text, safe=_DIAL_CHARACTERS if slot.place is Place.DIAL_STRING else "")


def _missing(variable: Variable) -> DialError:
    return DialError(
        "missing-value",
        _MISSING[variable.source],
        variable=variable.name,
        name=variable.name,
        meaning=variable.meaning,
    )


def _checked_host_value(value: str, name: str) -> str:
    if not is_host(value):
        raise DialError(
            "bad-host-value",
            N_(
                "“%(name)s” is the host of this URL: its value must be a host name or an "
                "IP address, without port and path."
            ),
            variable=name,
            name=name,
        )
    return value


_MISSING = {
    Source.NUMBER: N_("Enter a number to call."),
    Source.CALL: N_("“%(name)s” is only known when the call is made."),
    Source.USER: N_("“%(name)s” is only known for a signed-in user."),
    Source.CTI: N_(
        "Missing: %(meaning)s (%(name)s). Fill it in on the Security tab of the settings."
    ),
    Source.RECORD: N_(
        "Missing: %(meaning)s (%(name)s). Fill it in on the Profile tab of the settings."
    ),
}
