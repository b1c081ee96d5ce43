"""Judges how a table is written: its delimiter, and whether a quote inside a cell is doubled or escaped."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

DELIMITERS = ",;\t|"
_ROWS = 20
_NAMED = re.compile(r"\s*\"?sep=([^\w\"\\\\\r\n])\"?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """`escaped`: a backslash may stand before a quote inside a cell; without, a quote there is written twice only."""

    delimiter: str
    escaped: bool = False

    def other(self) -> Dialect:
        return replace(self, escaped=not self.escaped)

    def read(self, lines: Iterable[str]) -> list[str]:
        """The cells of the first record. Raises csv.Error, StopIteration."""
        escape = "\\" if self.escaped else None
        return next(csv.reader(lines, delimiter=self.delimiter, escapechar=escape, strict=True))


def named_delimiter(line: str) -> str:
    """The delimiter that Excel's first line `sep=;` names, or ""."""
    match = _NAMED.fullmatch(line.rstrip("\r\n"))
    return match[1] if match else ""


def judge(lines: Sequence[str], delimiter: str = "") -> Dialect:
    """The dialect in which most of the first rows have as many cells as the header. `delimiter`: the one that was named."""
    candidates = [Dialect(one, escaped) for escaped in (False, True) for one in delimiter or DELIMITERS]
    return max(candidates, key=lambda dialect: _fitness(dialect, lines))


def _fitness(dialect: Dialect, lines: Sequence[str]) -> tuple[bool, float, int]:
    """Has several columns; share of rows that fit; columns. The first of equals wins."""
    remaining = iter(lines)
    try:
        columns = len(dialect.read(remaining))
    except (csv.Error, StopIteration):
        return False, 0.0, 0
    fitting = rows = 0
    while rows < _ROWS:
        try:
            cells = dialect.read(remaining)
            fitting += len(cells) == columns or not any(cells)
        except StopIteration:
            break
        except csv.Error:
            pass
        rows += 1
    return columns > 1, fitting / rows if rows else 1.0, columns
