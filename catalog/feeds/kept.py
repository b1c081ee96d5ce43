"""What is kept of a whole feed, such as parents whose variants come much later, or the lines of all ids, in bounded memory."""

from __future__ import annotations

import json
import sqlite3
from types import TracebackType
from typing import Any, Self

_CACHE_KILOBYTES = 8 * 1024
_BUFFERED = 500  # values that are written at once
_READ_AGAIN = 64  # values that are kept read: variants of one parent mostly follow each other

_TABLE = "CREATE TABLE kept (kind TEXT, key TEXT, value TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID"
_PUT = "INSERT OR REPLACE INTO kept VALUES (?, ?, ?)"
_GET = "SELECT value FROM kept WHERE kind = ? AND key = ?"


class Kept:
    """Values by a kind and a key, in a table of SQLite that is in memory up to some megabytes and else in a temporary file.

    The file has no name, and is gone when the table is closed or the process ends.
    """

    def __init__(self) -> None:
        self._table = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for pragma in (f"cache_size = -{_CACHE_KILOBYTES}", "journal_mode = OFF", "synchronous = OFF"):
            self._table.execute(f"PRAGMA {pragma}")
        self._table.execute(_TABLE)
        self._buffer: list[tuple[str, str, str]] = []
        self._read: dict[tuple[str, str], str | None] = {}

    def put(self, kind: str, key: str, value: Any = None) -> None:
        """Keep a value of JSON, instead of one that was kept by that key before."""
        self._buffer.append((kind, key, json.dumps(value)))
        if len(self._buffer) >= _BUFFERED:
            self._write()

    def get(self, kind: str, key: str) -> Any:
        """The value by a key, None where there is none."""
        text = self._text(kind, key)
        return None if text is None else json.loads(text)

    def has(self, kind: str, key: str) -> bool:
        return self._text(kind, key) is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._table.close()

    def _text(self, kind: str, key: str) -> str | None:
        if self._buffer:
            self._write()
        if (kind, key) in self._read:
            return self._read[kind, key]
        row = self._table.execute(_GET, (kind, key)).fetchone()
        if len(self._read) >= _READ_AGAIN:
            del self._read[next(iter(self._read))]
        found = self._read[kind, key] = row[0] if row else None
        return found

    def _write(self) -> None:
        self._read.clear()
        self._table.execute("BEGIN")
        self._table.executemany(_PUT, self._buffer)
        self._table.execute("COMMIT")
        self._buffer.clear()
