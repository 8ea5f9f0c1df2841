"""Cells that a spreadsheet shows as they are, and runs none of."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a spreadsheet take a cell for a formula."""


def guarded(cell: str) -> str:
    """The cell with an apostrophe before it where a spreadsheet would take it for a formula.

    A placement takes the apostrophe off again.
    """
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
