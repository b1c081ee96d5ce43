"""What every reader of feeds yields, whatever the format, and what it notices on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_LINE = 1024 * 1024  # characters: a row longer than this is a mistake, and memory stays bounded


class FeedError(Exception):
    """The feed as a whole cannot be read; the text says why and what to do."""


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


@dataclass
class Notices:
    """Collects notices while a feed is read: each text once, and mended places by their number and first line."""

    _said: dict[str, None] = field(default_factory=dict)
    _mended: dict[str, tuple[int, int]] = field(default_factory=dict)

    def say(self, text: str) -> None:
        self._said[text] = None

    def mended(self, what: str, line: int, count: int = 1) -> None:
        """`what` is followed by its number, as in "raw & mended: 37, first in line 12"."""
        before, first = self._mended.get(what, (0, line))
        self._mended[what] = (before + count, min(first, line))

    def __iter__(self) -> Iterator[Notice]:
        yield from map(Notice, self._said)
        for what, (count, line) in self._mended.items():
            yield Notice(f"{what}: {count:,}, first in line {line}")
