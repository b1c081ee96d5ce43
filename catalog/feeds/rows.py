"""What every feed parser yields, whatever the format."""

from __future__ import annotations

from dataclasses import dataclass

MAX_LINE = 1024 * 1024  # characters: a row longer than this is a mistake, and memory stays bounded


class FeedError(Exception):
    """The feed as a whole cannot be read; the text says why and what to do."""


class Number(str):
    """A value that the feed itself writes as a number, as JSON can: a point in it is always a decimal point."""


@dataclass(frozen=True)
class FeedRow:
    """The cells of one product, by column name as the feed writes it; several values where the format has lists.

    `complete`: what the row does not mention is empty. Otherwise (columns of a table) it is left as it is.
    """

    line: int
    values: dict[str, list[str]]
    complete: bool
    where: str = ""

    @property
    def place(self) -> str:
        return self.where or f"line {self.line}"


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be read; the rows after it can."""

    line: int
    reason: str
    where: str = ""

    @property
    def place(self) -> str:
        return self.where or f"line {self.line}"


@dataclass(frozen=True)
class Notice:
    """Something that was noticed of the feed as a whole, or mended in it. It is no problem: the rows went in."""

    text: str

    def __str__(self) -> str:
        return self.text
