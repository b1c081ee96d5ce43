"""Text lines of a feed, one at a time, none longer than memory allows."""

from __future__ import annotations

from typing import TextIO

from catalog.feeds.rows import MAX_LINE

_ENDS = ("\n", "\r")


class LineTooLong(Exception):
    """The line was skipped to its end."""


class Lines:
    """An iterator over lines with their ends that knows its line number and can go back to a line it gave before."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._again: list[str | None] = []
        self._given: list[str | None] = []  # None: a line that was too long
        self.number = 0

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        """The next line. Raises LineTooLong after skipping one."""
        line = self._again.pop() if self._again else self._read()
        self.number += 1
        self._given.append(line)
        if line is None:
            raise LineTooLong
        return line

    def begin(self) -> int:
        """A record begins: forget the lines given before; returns the number of its first line."""
        self._given.clear()
        return self.number + 1

    @property
    def given(self) -> int:
        """How many lines the record has taken."""
        return len(self._given)

    def may_hold(self, character: str) -> bool:
        """Whether a line that the record has taken holds the character."""
        return any(line is not None and character in line for line in self._given)

    def back_to_first(self) -> None:
        """All lines of the record will be given again."""
        self._back(0)

    def back_to_second(self) -> None:
        """Only the first line of the record is spoilt: the others will be given again."""
        self._back(1)

    def _back(self, kept: int) -> None:
        again = self._given[kept:]
        self._again.extend(reversed(again))
        self.number -= len(again)
        del self._given[kept:]

    def _read(self) -> str | None:
        line = self._stream.readline(MAX_LINE)
        if not line:
            raise StopIteration
        if len(line) < MAX_LINE or line.endswith(_ENDS):
            return line
        while (rest := self._stream.readline(MAX_LINE)) and not rest.endswith(_ENDS):
            pass
        return None
