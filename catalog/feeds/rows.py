"""What every reader of feeds yields, whatever the format, and what it notices on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_LINE = 1024 * 1024  # characters: a row longer than this is a mistake, and memory stays bounded


class FeedError(Exception):
    """The feed as a whole cannot be read; the text says why and what to do."""


class Number(str):
    """A value that the feed itself writes as a number, as JSON and Excel can: a point in it is always a decimal point."""


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
    """A row that cannot be read; the rows after it can. `cut_off`: there are none, as the feed ends before its time.

    `id`: what stands in its column `id`, where that can be told all the same.
    """

    line: int
    reason: str
    where: str = ""
    cut_off: bool = False
    id: str = ""

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
    """Collects notices while a feed is read: texts, mended places and decisions, each kind once with its number."""

    _said: dict[str, None] = field(default_factory=dict)
    _mended: dict[str, tuple[int, int]] = field(default_factory=dict)
    _decided: dict[str, tuple[str, int]] = field(default_factory=dict)

    def say(self, text: str) -> None:
        self._said[text] = None

    def mended(self, what: str, line: int, count: int = 1) -> None:
        """`what` is followed by its number, as in "raw & mended: 37, first in line 12"."""
        before, first = self._mended.get(what, (0, line))
        self._mended[what] = (before + count, min(first, line))

    def decided(self, what: str, example: str) -> None:
        """Of all decisions on `what`, the first one's example is shown, with the number of the others."""
        first, count = self._decided.get(what, (example, 0))
        self._decided[what] = (first, count + 1)

    def __iter__(self) -> Iterator[Notice]:
        yield from map(Notice, self._said)
        for what, (count, line) in self._mended.items():
            yield Notice(f"{what}: {count:,}, first in line {line}")
        for example, count in self._decided.values():
            yield Notice(example if count == 1 else f"{example}; so were {count - 1:,} more")
