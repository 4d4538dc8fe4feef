"""The tables of cases in ``tests/data``."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

_DATA = Path(__file__).parents[1] / "data"


def cases(table: str, outcome: str) -> list[Any]:
    """Return the cases of a table with one outcome, each under the reason it gives."""
    tables = tomllib.loads((_DATA / f"{table}.toml").read_text("utf-8"))
    return [pytest.param(case, id=case["because"]) for case in tables[outcome]]
