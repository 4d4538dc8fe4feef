"""Dial URLs with variables: parsed and checked once, expanded in one pass, shown masked."""

from portal.dialing.scheme import BROWSER_SCHEMES, OpenMode, check_scheme
from portal.dialing.template.expansion import LONGEST_URL, expand
from portal.dialing.template.model import MASK, Expansion, Literal, Part, Place, Slot, Template
from portal.dialing.template.parsing import LONGEST_TEMPLATE, parse

__all__ = [
    "BROWSER_SCHEMES",
    "LONGEST_TEMPLATE",
    "LONGEST_URL",
    "MASK",
    "Expansion",
    "Literal",
    "OpenMode",
    "Part",
    "Place",
    "Slot",
    "Template",
    "check_scheme",
    "expand",
    "parse",
]
