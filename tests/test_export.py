import pytest

from portal.export import csv_cell


@pytest.mark.parametrize(
    "text", ["=1+1", "+4936130262422", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1", "\uff1d1"]
)
def test_formula_becomes_text(text: str):
    assert csv_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Berger", "0361 30262422", "a=b", "'=1"])
def test_other_text_stays_as_it_is(text: str):
    assert csv_cell(text) == text
