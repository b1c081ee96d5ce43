"""Cells of the CSV files that people open in a spreadsheet."""

from __future__ import annotations

# A spreadsheet takes a text that begins so for a formula, and computes it; in some languages the wide forms of these too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def spreadsheet_cell(value: object) -> object:
    """The value as it is written: a text that begins like a formula has an apostrophe before it and so stays a text.

    Numbers stay numbers.
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
