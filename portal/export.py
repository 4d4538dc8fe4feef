"""Values on their way into files that people open in a spreadsheet."""

_FULLWIDTH_SIGNS = ("\uff1d", "\uff0b", "\uff0d", "\uff20")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", *_FULLWIDTH_SIGNS)


def csv_cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula.

    >>> csv_cell("=1+1")
    "'=1+1"
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
