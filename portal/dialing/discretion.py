"""What of numbers and dial URLs is shown to those whose they are not."""

import re

from portal.dialing.template import MASK

HIDDEN = "•"
DIGITS_HIDDEN = 3

_GROUP = re.compile(r"[^*#]+")
_LAST_DIGITS = re.compile(rf"[0-9](?=(?:[^0-9]*[0-9]){{0,{DIGITS_HIDDEN - 1}}}[^0-9]*$)")
_FIXED_SECRET = re.compile(
    r"([?&][^=&?]*(?:pass|pwd|secret|token|key|auth|pin|sess|sign)[^=&?]*=)"
    r"(?!<#[^<>&]*#>(?:&|$))[^&]+",
    re.IGNORECASE,
)
"""A parameter whose name says that its value is a secret, unless that is a variable."""


def shorten(number: str) -> str:
    """Return a number, in any spelling, without its last three digits.

    A feature code may hold several numbers: each is shortened. What is dialled behind a pause
    may be a secret code: nothing of it is shown.

    >>> shorten("+49 361 30262-422"), shorten("201")
    ('+49 361 30262-•••', '•••')
    >>> shorten("*21*0361302#"), shorten("0361302,,1234#")
    ('*••*0361•••#', '0361•••,•••')
    """
    dialled, pause, _code = number.partition(",")
    shown = _GROUP.sub(lambda group: _LAST_DIGITS.sub(HIDDEN, group[0]), dialled)
    return shown + pause + HIDDEN * DIGITS_HIDDEN * bool(pause)


def mask_fixed_secrets(dial_url: str) -> str:
    """Return a dial URL without the keys and passwords that are written into it.

    >>> mask_fixed_secrets("https://pbx.example/call?apikey=x7&pass=<#CTI_PASS#>&n=<#NUMBER#>")
    'https://pbx.example/call?apikey=•••&pass=<#CTI_PASS#>&n=<#NUMBER#>'
    """
    return _FIXED_SECRET.sub(rf"\1{MASK}", dial_url)
