"""Text from outside: what it must be at least, and how to name a piece of it in a sentence."""

import re

from portal.errors import N_, DialError

LONGEST_LINE = 255

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""A control character (category Cc)."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")
LONGEST_EXCERPT = 40


def check_text(value: object, *, limit: int, field: str = "", variable: str = "") -> str:
    """Return the value if it is text that UTF-8 can write, of at most ``limit`` characters."""
    if not isinstance(value, str):
        raise DialError(
            "not-a-string", N_("Only text can be entered here."), field=field, variable=variable
        )
    if len(value) > limit:
        raise DialError(
            "too-long",
            N_("This is too long. At most %(limit)s characters are possible."),
            field=field,
            variable=variable,
            limit=str(limit),
        )
    if not value.isascii() and _SURROGATE.search(value):
        raise DialError(
            "invalid-unicode",
            N_("The text contains a damaged character. Please type it again."),
            field=field,
            variable=variable,
        )
    return value


def check_line(value: object, *, limit: int = LONGEST_LINE) -> str:
    """Return the value without blanks around it, if it is text of at most ``limit`` characters."""
    return check_text(value.strip() if isinstance(value, str) else value, limit=limit)


def excerpt(text: str, *, longest: int = LONGEST_EXCERPT) -> str:
    r"""Return a short form of any text that can be shown on every page and in every log.

    >>> excerpt("a\r\nb")
    'aU+000DU+000Ab'
    """
    shown = "".join(char if char.isprintable() else f"U+{ord(char):04X}" for char in text[:longest])
    return f"{shown}…" if len(text) > longest else shown
