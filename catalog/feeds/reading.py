"""Open a feed of any known format."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from catalog.feeds.delimited import read_delimited
from catalog.feeds.folders import read_folders
from catalog.feeds.json_lines import read_json_lines
from catalog.feeds.lines import encoding_of
from catalog.feeds.rows import BadRow, FeedError, FeedRow
from catalog.feeds.rss import read_rss

_FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".xml": "rss",
    ".rss": "rss",
}


@dataclass
class Feed:
    """An open feed: `rows` to be read once, `root` the folder its photos may not leave, `size` in bytes (0: unknown)."""

    root: Path
    rows: Iterator[FeedRow | BadRow]
    size: int = 0
    file: BinaryIO | None = None

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self.size if self.file is None or self.file.closed else self.file.tell()


@contextmanager
def open_feed(path: Path) -> Iterator[Feed]:
    """A file by its suffix (by its first character where the suffix says nothing), or a folder. Raises FeedError."""
    if path.is_dir():
        yield Feed(path, read_folders(path))
        return
    try:
        raw = path.open("rb", buffering=0)
    except OSError as error:
        raise FeedError(f"{path} cannot be read: {error.strerror}") from error
    with raw, io.BufferedReader(raw) as file:
        start = file.peek(4096)[:4096]
        yield Feed(path.parent, _rows(path, file, start), path.stat().st_size, file)


def _rows(path: Path, file: BinaryIO, start: bytes) -> Iterator[FeedRow | BadRow]:
    encoding, errors = encoding_of(start)
    kind = _FORMATS.get(path.suffix.lower()) or _sniffed(start.decode(encoding, "replace"))
    if kind == "rss":
        return read_rss(file)
    stream = io.TextIOWrapper(file, encoding=encoding, errors=errors, newline="")
    if kind == "jsonl":
        return read_json_lines(stream)
    return read_delimited(stream, "\t" if kind == "tsv" else None)


def _sniffed(start: str) -> str:
    first = start.lstrip()[:1]
    return {"<": "rss", "{": "jsonl"}.get(first, "csv")
