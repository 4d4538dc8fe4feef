"""What everybody but the caller sees of a number."""

import re

HIDDEN = "•"
DIGITS_HIDDEN = 3

_GROUP = re.compile(r"[^*#]+")
_LAST_DIGITS = re.compile(rf"[0-9](?=(?:[^0-9]*[0-9]){{0,{DIGITS_HIDDEN - 1}}}[^0-9]*$)")


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
