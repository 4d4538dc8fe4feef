"""Passwords that are guessed first: common ones, and what is made of names and patterns alone.

Only the comparison folds case, width and spelling; the password itself stays as it was typed.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

_FILE = Path(__file__).with_suffix(".txt")
_PRODUCT = ("click2dial", "click", "dial", "portal")
_DIGITS_FOR_LETTERS = str.maketrans("013457@$", "oieastas")
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiopqwertyuiop",
    "qwertzuiopü",
    "asdfghjklasdfghjklöä",
    "zxcvbnm",
    "yxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6z7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
)
_LINES = (*_ROWS, *(row[::-1] for row in _ROWS))
_SHORTEST_RUN = 4
_SHORTEST_NAME = 3
_FEW = 6
"""With fewer letters and digits than this besides patterns there is nothing to guess."""

_SAME = re.compile(r"(.)\1{2,}")
_YEARS_AND_FEW_DIGITS = re.compile(r"(?:19|20)\d\d|(?<!\d)\d{1,4}(?!\d)")


def is_guessable(password: str, names: Iterable[str] = ()) -> bool:
    """Tell whether a password is common or nothing but names, sequences and repetitions.

    >>> is_guessable("Password Password 2026!"), is_guessable("nine lamps over the harbour")
    (True, False)
    """
    words = {word for name in (*_PRODUCT, *names) for word in (_fold(name), *_parts(name))}
    known = sorted((word for word in words if len(word) >= _SHORTEST_NAME), key=len, reverse=True)
    readings = {_fold(password), _fold(password.translate(_DIGITS_FOR_LETTERS))}
    return any(_is_listed(text) or _is_pattern(text, known) for text in readings)


def _fold(text: str) -> str:
    """Return the letters and digits of a text without case and width."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def _parts(name: str) -> list[str]:
    """Return the words of a name, an e-mail address or a department."""
    return [_fold(part) for part in re.split(r"[\W_]+", name)]


def _is_pattern(text: str, names: list[str]) -> bool:
    """Tell whether little or one listed word is left of a text without names and patterns."""
    for name in names:
        text = text.replace(name, " ")
    rest = _YEARS_AND_FEW_DIGITS.sub(" ", _without_runs(_SAME.sub(" ", text)))
    pieces = {_unit(piece) for piece in rest.split()}
    return sum(map(len, pieces)) < _FEW or (len(pieces) == 1 and _is_listed(*pieces))


def _without_runs(text: str) -> str:
    """Replace what follows the alphabet, the digits or a keyboard by blanks."""
    kept, place = "", 0
    while place < len(text):
        length = _run(text, place)
        kept += " " if length else text[place]
        place += length or 1
    return kept


def _run(text: str, start: int) -> int:
    """Return the length of the run that begins here, 0 if none does."""
    end = start + _SHORTEST_RUN
    while end <= len(text) and any(text[start:end] in line for line in _LINES):
        end += 1
    length = end - 1 - start
    return length if length >= _SHORTEST_RUN else 0


def _unit(text: str) -> str:
    """Return the piece that a text repeats, or the text.

    >>> _unit("abcabcab"), _unit("abcd")
    ('abc', 'abcd')
    """
    for size in range(1, len(text) // 2 + 1):
        if all(text[place] == text[place - size] for place in range(size, len(text))):
            return text[:size]
    return text


def _is_listed(text: str) -> bool:
    return f"\n{text}\n" in _listed()


@lru_cache
def _listed() -> str:
    return _FILE.read_text(encoding="utf-8")
