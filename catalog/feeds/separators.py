"""What points and commas in a column of prices mean: marks of decimals, or between thousands."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Literal

Mark = Literal[".", ","]
Meaning = Literal["decimals", "thousands"]
MARKS: tuple[Mark, Mark] = (".", ",")
_WESTERN = re.compile(r"[1-9]\d{0,2}(?P<mark>[.,' ])\d{3}(?:(?P=mark)\d{3})*")
_INDIAN = re.compile(r"[1-9]\d?(?P<mark>[.,' ])(?:\d{2}(?P=mark))+\d{3}")


@dataclass(frozen=True)
class Reading:
    """One way to read a number. `decimal` and `group`: the marks that stand in it for either, empty where none does."""

    value: Decimal
    decimal: str
    group: str


@lru_cache(maxsize=4096)
def readings(number: str) -> tuple[Reading, ...]:
    """Every way to read digits with points, commas, apostrophes and blanks between them; none where it is no number.

    `1,299.00` has one; so have `12.5`, `1 299`, `1,23,456.00` (groups of two before the last three, as in India) and `0.125`, as
    no thousands begin with 0. `1.299` has two. The reading with decimals comes first.
    """
    found = []
    for decimal in (*MARKS, ""):
        whole, _, fraction = number.rpartition(decimal) if decimal and decimal in number else (number, "", "")
        if (
            (decimal and not (whole and fraction.isdigit()))
            or (group := _group(whole)) is None
            or group == decimal != ""
        ):
            continue
        digits = re.sub(r"\D", "", whole)
        found.append(Reading(Decimal(f"{digits}.{fraction}" if decimal else digits), decimal, group))
    return tuple(found)


def _group(whole: str) -> str | None:
    """The mark between groups of digits, empty where there is none; None where the text is no whole number."""
    if whole.isdigit():
        return ""
    match = _WESTERN.fullmatch(whole) or _INDIAN.fullmatch(whole)
    return None if match is None else match["mark"]


@dataclass
class Evidence:
    """What the numbers of a column say that can be read in one way. As large for a million rows as for one."""

    decimals: Counter[str] = field(default_factory=Counter)
    thousands: Counter[str] = field(default_factory=Counter)

    def add(self, number: str) -> None:
        ways = readings(number)
        if len(ways) == 1:
            self.decimals[ways[0].decimal] += 1
            self.thousands[ways[0].group] += 1

    def meaning(self, mark: Mark) -> Meaning | None:
        """What a mark means in the whole column; None where nothing says so, or one number this and another that.

        Whoever writes decimals behind one of the two marks parts thousands by the other.
        """
        other = MARKS[mark == "."]
        decimals = self.decimals[mark] + self.thousands[other]
        thousands = self.thousands[mark] + self.decimals[other]
        if bool(decimals) == bool(thousands):
            return None
        return "decimals" if decimals else "thousands"
