"""CTI handlers: names at the start of a dial URL that stand for another URL."""

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass

from portal.dialing.scheme import RESERVED_NAMES, OpenMode, is_name, normal_name
from portal.dialing.template import LONGEST_TEMPLATE, parse
from portal.dialing.text import check_line, excerpt
from portal.errors import N_, DialError

LONGEST_CHAIN = 3

_START = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,31})://")
_OPEN_HOST = re.compile(r"https?://[^/?]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Step:
    """A handler that took part, and the URL that took the place of its name."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """A dial URL without handler names, and how it came about."""

    url: str
    steps: tuple[Step, ...]
    entered: str
    """The dial URL as it was entered, without blanks at its edges."""

    def entered_position(self, position: int | None) -> int | None:
        """Return where in the entered text a place in ``url`` is, None if a handler wrote it."""
        if position is None or not self.steps:
            return position
        entered = position - len(self.url) + len(self.entered)
        return entered if entered >= len(self.steps[0].name) + len("://") else None


def check_name(text: str) -> str:
    """Return the name of a handler in lower case, without ``://``."""
    name = normal_name(check_line(text))
    if not is_name(name):
        raise DialError(
            "bad-handler-name",
            N_(
                "“%(name)s” cannot be the name of a handler. A name begins with a letter; up to 31 "
                "letters, digits or the signs + - . may follow, for example %(example)s."
            ),
            name=excerpt(name),
            example="anlage://",
        )
    if name in RESERVED_NAMES:
        raise DialError(
            "reserved-handler-name",
            N_("“%(name)s://” is a scheme with a fixed meaning. Choose another name."),
            name=name,
        )
    return name


def check_free(name: str, taken: Container[str]) -> None:
    """Refuse a name that another handler has; all names in their normal form."""
    if name in taken:
        raise DialError(
            "duplicate-handler",
            N_("There is a handler “%(name)s://” already. Choose another name or change that one."),
            name=name,
        )


def check_handlers(
    handlers: Mapping[str, str], *, extra_schemes: frozenset[str] = frozenset()
) -> None:
    """Check the URLs of all handlers, by normal name, as they will be after a change.

    Positions in errors count in the URL of the handler that is refused.
    """
    for name, url in handlers.items():
        resolved = resolve(f"{name}://", handlers).url
        try:
            parse(resolved, OpenMode.CLIENT, extra_schemes=extra_schemes, secrets_allowed=True)
        except DialError as error:
            error.position = resolve(url, handlers).entered_position(error.position)
            raise


def resolve(url: str, find: Mapping[str, str] | Callable[[str], str | None]) -> Resolution:
    """Replace the handler name at the start of a dial URL, and at the start of what replaces it.

    ``find`` knows the URL of a handler by its normal name; it is not asked for real schemes.

    >>> resolve("anlage://<#NUMBER#>", {"anlage": "https://pbx.example/?n="}).url
    'https://pbx.example/?n=<#NUMBER#>'
    """
    look_up = find.get if isinstance(find, Mapping) else find
    entered = current = check_line(url, limit=LONGEST_TEMPLATE)
    steps: list[Step] = []
    while name := name_at_start(current):
        found = look_up(name)
        if found is None:
            break
        steps.append(Step(name, check_line(found, limit=LONGEST_TEMPLATE)))
        _check_chain(steps)
        current = steps[-1].url + current[len(name) + len("://") :]
    return Resolution(current, tuple(steps), entered)


def name_at_start(url: str) -> str:
    """Return the name at the start of a URL that a handler may have, "" if there is none.

    >>> name_at_start("Anlage://<#NUMBER#>"), name_at_start("https://pbx.example/")
    ('anlage', '')
    """
    match = _START.match(url)
    name = match[1].lower() if match else ""
    return "" if name in RESERVED_NAMES else name


def _check_chain(steps: list[Step]) -> None:
    """Check a chain of handlers after its last step was added."""
    *before, last = steps
    if last.name in {step.name for step in before}:
        raise DialError(
            "handler-cycle",
            N_(
                "These handlers refer to each other in a circle: %(chain)s. "
                "Change the URL of one of them."
            ),
            chain=" → ".join(f"{step.name}://" for step in steps),
        )
    if len(steps) > LONGEST_CHAIN:
        raise DialError(
            "handler-depth",
            N_(
                "At most %(limit)s handlers can follow each other, and these are more: %(chain)s. "
                "Leave one out."
            ),
            limit=str(LONGEST_CHAIN),
            chain=" → ".join(f"{step.name}://" for step in steps),
        )
    if _OPEN_HOST.fullmatch(last.url):
        raise DialError(
            "handler-open-host",
            N_(
                "The URL of the handler “%(name)s://” ends inside the host, so that the rest of a "
                "dial URL could lead to another one. Write at least / or ? behind the host."
            ),
            name=last.name,
        )
