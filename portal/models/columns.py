"""Column types that several tables use."""

import re
from enum import StrEnum

from sqlalchemy import Enum, String
from sqlalchemy.orm import MappedColumn, mapped_column

SEALED = "sealed"
"""Marks a column that holds secrets; its value is the field that they are sealed for."""

_HANDLER_NAME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,31})://")


def handler_name(url: str) -> str:
    """Return the name at the start of a URL that a CTI handler may have, in lower case, or "".

    Kept beside the URL, it lets one statement join a phone with its chain of handlers.

    >>> handler_name("Anlage://<#NUMBER#>")
    'anlage'
    """
    match = _HANDLER_NAME.match(url)
    return match[1].lower() if match else ""


def sealed(field: str) -> MappedColumn[str]:
    """Return the column for a secret of a row, encrypted by the keyring; "" if there is none.

    Whoever changes the keys finds all secrets by these columns.
    """
    return mapped_column(String(2048), default="", info={SEALED: field})


def word(enum: type[StrEnum]) -> Enum:
    """Return the column type that keeps one value of an enum as text, with a check."""
    return Enum(
        enum,
        native_enum=False,
        length=32,
        validate_strings=True,
        create_constraint=True,
        name=enum.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )
