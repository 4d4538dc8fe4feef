"""Addresses that come from outside."""

import re

from werkzeug.routing import IntegerConverter

_OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")


def own_path(text: str | None, default: str = "/") -> str:
    """Return ``text`` if it is a path of this portal, else ``default``: no way to foreign sites."""
    return text if text and len(text) <= 2048 and _OWN_PATH.fullmatch(text) else default  # noqa: PLR2004


class RecordId(IntegerConverter):
    """The id of a record in an address: no more digits than every integer column holds."""

    regex = r"[0-9]{1,9}"


def record_id(text: str) -> int:
    """Return the id of a record that stands behind ``?``. Raises ValueError."""
    if not re.fullmatch(RecordId.regex, text):
        raise ValueError
    return int(text)
