"""docs/security.md: what it names exists, and no requirement is left out."""

import re
from collections import Counter

import pytest

from tests.support.server import ROOT

TEXT = (ROOT / "docs/security.md").read_text(encoding="utf-8")
NAMED = sorted(
    set(re.findall(r"`((?:portal|tests|docs|bench)/[\w./-]*|dev|[\w.-]+\.(?:py|toml|lock))`", TEXT))
)
APPLICABLE = re.findall(
    r"^\| (\d+\.\d+\.\d+) \| ([12]) \| (met|\*\*not met\*\*|operator) \|", TEXT, re.MULTILINE
)


def _not_applicable():
    table = TEXT.partition("### Not applicable")[2]
    return [
        number
        for line in table.splitlines()
        if line.startswith("| ")
        for number in re.findall(r"\b\d+\.\d+\.\d+\b", line.split("|")[1])
    ]


@pytest.mark.parametrize("path", NAMED)
def test_what_is_named_exists(path):
    assert (ROOT / path).exists()


def test_every_requirement_of_both_levels_has_one_row():
    numbers = [number for number, _level, _state in APPLICABLE] + _not_applicable()

    assert [number for number, count in Counter(numbers).items() if count > 1] == []
    assert len(numbers) == 70 + 183  # as many as ASVS 5.0.0 has


def test_the_sums_are_those_of_the_table():
    states = Counter(state.strip("*") for _number, _level, state in APPLICABLE)

    assert (
        f"Met {states['met']}, left to the operator {states['operator']}, "
        f"**not met {states['not met']}**, not applicable {len(_not_applicable())}."
    ) in TEXT


def test_what_is_met_says_where():
    rows = re.findall(r"^\| \d+\.\d+\.\d+ \| [12] \| met \|.*$", TEXT, re.MULTILINE)

    assert [row for row in rows if not re.search(r"`|this page", row.split("|")[5])] == []
