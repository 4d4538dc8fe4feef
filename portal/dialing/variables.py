"""The variables of a dial URL: their names, what they mean, where their values come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from portal.dialing.text import CONTROL, check_text
from portal.errors import N_, DialError

LONGEST_VALUE = 255

RECORD_PREFIX = "user."
"""May stand before the name of a record field, and changes nothing."""
_LIKENESS = 0.5


class Source(StrEnum):
    """Where the value of a variable comes from."""

    NUMBER = "number"
    CALL = "call"
    USER = "user"
    CTI = "cti"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Variable:
    """A name that may stand as ``<#NAME#>`` in a dial URL."""

    name: str
    meaning: str
    """What the value is, a sentence part to translate."""
    source: Source
    secret: bool = False


_ALL = (
    Variable("NUMBER", N_("Number to call, in the number format of the phone"), Source.NUMBER),
    Variable("USERID", N_("Id of the caller in this portal"), Source.USER),
    Variable(
        "SESSID", N_("Token for this one call, valid for a few minutes"), Source.CALL, secret=True
    ),
    Variable("CTI_USER", N_("CTI user of the caller"), Source.CTI),
    Variable("CTI_PASS", N_("CTI password of the caller"), Source.CTI, secret=True),
    Variable("CTI_PHONE", N_("CTI phone of the caller"), Source.CTI),
    Variable("CALLID", N_("Id of this call in this portal"), Source.CALL),
    Variable("login", N_("Login name of the caller"), Source.RECORD),
    Variable("title", N_("Title of the caller"), Source.RECORD),
    Variable("firstname", N_("First name of the caller"), Source.RECORD),
    Variable("surname", N_("Surname of the caller"), Source.RECORD),
    Variable("email", N_("E-mail address of the caller"), Source.RECORD),
    Variable("phone", N_("Phone number of the caller"), Source.RECORD),
    Variable("mobile", N_("Mobile number of the caller"), Source.RECORD),
    Variable("fax", N_("Fax number of the caller"), Source.RECORD),
    Variable("department", N_("Department of the caller"), Source.RECORD),
    Variable("position", N_("Position of the caller"), Source.RECORD),
    Variable("location", N_("Location of the caller"), Source.RECORD),
)

VARIABLES: Mapping[str, Variable] = {variable.name: variable for variable in _ALL}
RECORD_FIELDS = tuple(variable.name for variable in _ALL if variable.source is Source.RECORD)

_BY_LOWER_NAME = {name.lower(): name for name in VARIABLES}


def find(name: str) -> Variable | None:
    """Return the variable of this name; record fields may have the prefix ``user.``.

    >>> find("user.surname").name
    'surname'
    """
    field = name.removeprefix(RECORD_PREFIX)
    return VARIABLES.get(field if field in RECORD_FIELDS else name)


def nearest(name: str) -> str:
    """Return the name that was probably meant, or "" if none is near.

    >>> nearest("USRID"), nearest("xyz")
    ('USERID', '')
    """
    entered = name.lower().removeprefix(RECORD_PREFIX)
    close = get_close_matches(entered, _BY_LOWER_NAME, n=1, cutoff=_LIKENESS)
    return _BY_LOWER_NAME[close[0]] if close else ""


def check_value(value: object, *, field: str = "", variable: str = "") -> str:
    """Return a value that a variable may have, exactly as it was entered."""
    text = check_text(value, limit=LONGEST_VALUE, field=field, variable=variable)
    if CONTROL.search(text):
        raise DialError(
            "control-character",
            N_("Line breaks and other control characters are not possible here. Remove them."),
            field=field,
            variable=variable,
        )
    return text
