"""What a dial URL consists of, before and after its values are inserted."""

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

from portal.dialing.variables import Variable

MASK = "•••"
DOT_SEGMENT = re.compile(r"[^?#]*/((?:\.|%2e){1,2})(?:[/?#]|$)", re.IGNORECASE)
"""A URL with a ``.`` or ``..`` part in its path, which programs resolve before they send it."""


class Place(Enum):
    """Where in a URL a variable stands; decides how its value is checked and written."""

    HOST = auto()
    PATH = auto()
    DIAL_STRING = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Literal:
    """Fixed text of a template, which is never rebuilt."""

    text: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A variable in a template."""

    variable: Variable
    place: Place


@dataclass(frozen=True)
class Template:
    """A dial URL that has passed every check that needs no value."""

    source: str
    scheme: str
    parts: tuple[Literal | Slot, ...]

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """Each variable once, in the order of the text."""
        return tuple(dict.fromkeys(part.variable for part in self.parts if isinstance(part, Slot)))


@dataclass(frozen=True, slots=True, repr=False)
class Part:
    """A piece of an expanded URL and the variable it came from, if any."""

    text: str
    variable: Variable | None = None

    @property
    def masked(self) -> str:
        """The text as it may be shown."""
        return MASK if self.variable and self.variable.secret else self.text

    def __repr__(self) -> str:
        return f"Part({self.masked!r}, {self.variable!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Expansion:
    """A dial URL with its values."""

    parts: tuple[Part, ...]

    @property
    def url(self) -> str:
        """The URL to open, secrets included: not for pages, logs and messages."""
        return "".join([part.text for part in self.parts])

    @property
    def masked(self) -> str:
        """The URL as it may be shown."""
        return "".join([part.masked for part in self.parts])

    def __repr__(self) -> str:
        return f"Expansion({self.masked!r})"
