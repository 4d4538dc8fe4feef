"""100,000 numbers: whatever stands before, within or behind, no refused class gets through.

The oracle is built the other way round from the code: it takes a number that certainly belongs
to a class and disguises it, so what it must be is known without reading it.
"""

import random
import re
from collections.abc import Callable, Iterator

import pytest

from portal.dialing.number import clean
from portal.dialing.number_class import NumberClass, readings
from portal.dialing.permission import Permission, Rules
from portal.errors import DialError

COUNT, SEEDS = 10_000, range(5)
"""For each of the two regions."""
SEPARATORS = ("", "", "", " ", "-", ".", "/", "\u00a0", "\u2011", ")(", " - ")

WORLDWIDE = {
    "satellite": ["870", "878", "881", "882", "883", "888"],
    "premium": ["979", "49900", "49118", "43900", "41900", "41906", "1900", "449", "39899"],
    "shared_cost": ["808", "49137", "43810", "4470"],
}
"""What stands behind +."""
GERMAN = {
    "premium": ["900", "118", "12", "19", "1033", "10012"],
    "shared_cost": ["137", "138", "180", "181", "700"],
}
AMERICAN = {"premium": ["900"], "shared_cost": ["500", "533", "700"]}
"""What stands behind 0, or behind 1."""
BEFORE_GERMAN = (
    *("0", "00", "90", "", "+49", "0049", "00049", "90049", "+490", "00490"),
    *("010330", "010330049", "0010330", "010130", "0100130", "+49010330"),
)
BEFORE_AMERICAN = ("1", "91", "", "9", "+1", "0111", "90111", "001")
"""Outside lines, choices of carrier, country codes, zeros too many."""


def _digits(rng: random.Random, least: int, most: int) -> str:
    return "".join(rng.choices("0123456789", k=rng.randint(least, most)))


def _german(rng: random.Random) -> tuple[str, str]:
    """Return a class that costs and a number of it, as somebody in Germany can dial it."""
    if rng.random() < 0.35:
        return _worldwide(rng, "+", "00", "000", "900", "0103300", "01001300", "00103300")
    name, starts = rng.choice(list(GERMAN.items()))
    return name, rng.choice(BEFORE_GERMAN) + rng.choice(starts) + _digits(rng, 5, 7)


def _american(rng: random.Random) -> tuple[str, str]:
    """Return the same for somebody in the United States."""
    if rng.random() < 0.4:
        return _worldwide(rng, "+", "011", "9011", "00")
    name, starts = rng.choice(list(AMERICAN.items()))
    subscriber = rng.choice("23456789") + _digits(rng, 6, 6)
    return name, rng.choice(BEFORE_AMERICAN) + rng.choice(starts) + subscriber


def _worldwide(rng: random.Random, *before: str) -> tuple[str, str]:
    name, codes = rng.choice(list(WORLDWIDE.items()))
    return name, rng.choice(before) + rng.choice(codes) + _digits(rng, 4, 8)


def _wrapped(rng: random.Random, number: str) -> str:
    """Put a number where it could hide: behind pauses, within codes, between separators."""
    kind = rng.random()
    if kind < 0.08 and number.startswith("0"):
        number = f"{rng.choice(['0', '9', '0361302'])},{',' * rng.randint(0, 2)}{number}"
    elif kind < 0.16 and not number.startswith("+"):
        number = rng.choice(["*21*", "**61*", "#31#", "*67", "#"]) + number
        number += rng.choice(["", "#", "*11#"])
    elif kind < 0.24:
        at = rng.randint(3, len(number) - 1)
        number = f"{number[:at]},{number[at:]}"
    elif kind < 0.3:
        number += _digits(rng, 1, 4)
    elif kind < 0.36:
        number += f",,{_digits(rng, 1, 5)}{rng.choice(['', '#'])}"
    pieces = re.findall(".{1,4}", number)
    return "".join(piece + rng.choice(SEPARATORS) for piece in pieces)


def _numbers(
    make: Callable[[random.Random], tuple[str, str]], seed: int
) -> Iterator[tuple[str, str]]:
    rng = random.Random(seed)  # noqa: S311 - the same numbers each time
    for _ in range(COUNT):
        name, number = make(rng)
        yield name, _wrapped(rng, number)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("region", "make"), [("DE", _german), ("US", _american)])
def test_no_refused_class_gets_through(region, make, seed):
    only = {
        name: Rules({**dict.fromkeys(NumberClass, Permission.ALLOW), name: Permission.REFUSE})
        for name in NumberClass
    }
    got_through, tried = [], 0

    for name, text in _numbers(make, seed):
        try:
            number = clean(text)
        except DialError:
            continue  # what is no number is called by nobody
        tried += 1
        found = readings.__wrapped__(number, region=region)
        if only[NumberClass(name)].decide(found).permission is not Permission.REFUSE:
            got_through.append((name, text, found))

    assert got_through[:20] == []
    assert tried > 0.9 * COUNT
