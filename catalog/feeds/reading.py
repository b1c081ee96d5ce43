"""Open a feed of any known shape, from a file, a folder or a URL."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import urlsplit

from catalog.feeds.formats import sniffing
from catalog.feeds.formats.addresses import feed_fetcher, fetched, is_address
from catalog.feeds.formats.compression import unpacked_gzip, unpacked_zip
from catalog.feeds.formats.delimited import read_delimited
from catalog.feeds.formats.folders import feed_in, read_folders
from catalog.feeds.formats.json_documents import read_json_document
from catalog.feeds.formats.json_lines import read_json_lines
from catalog.feeds.formats.spreadsheets import read_spreadsheet
from catalog.feeds.formats.utf8 import Encoded
from catalog.feeds.formats.xml_items import read_xml
from catalog.feeds.rows import BadRow, FeedError, FeedRow, Notices
from catalog.photos.fetch import PhotoFetcher

_MOST_LAYERS = 3  # a gz inside a zip is usual; more layers are no feed that a shop sends


@dataclass
class Feed:
    """An open feed: `rows` to be read once, `root` the folder its photos may not leave, `size` in bytes (0: unknown).

    `read` begins to read, and says what it notices. `notices`: what was noticed so far; whole when the rows have been read
    to their end.
    """

    root: Path
    read: Callable[[Notices], Iterator[FeedRow | BadRow]]
    size: int = 0
    file: BinaryIO | None = None
    notices: Notices = field(default_factory=Notices)
    rows: Iterator[FeedRow | BadRow] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = self.read(self.notices)

    def again(self) -> Iterator[FeedRow | BadRow]:
        """The rows once more from the first one, to be read to their end while `rows` stands still; nothing is noticed."""
        position = self.file.tell() if self.file else 0
        yield from self.read(Notices())
        if self.file:
            self.file.seek(position)

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self.size if self.file is None or self.file.closed else self.file.tell()


@contextmanager
def open_feed(source: Path | str, fetcher: PhotoFetcher | None = None) -> Iterator[Feed]:
    """A file, a folder or an http(s) URL; what it is, is told by its content. Raises FeedError, also while rows are read.

    `fetcher` is for URLs; by default it fetches from public hosts only.
    """
    with ExitStack() as stack:
        if isinstance(source, str) and is_address(source):
            file = stack.enter_context(fetched(source, fetcher or feed_fetcher()))
            root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="feed-")))
            yield _feed(stack, file, root, PurePosixPath(urlsplit(source).path).name)
        else:
            yield _at_path(stack, Path(source), Notices())


def _at_path(stack: ExitStack, path: Path, notices: Notices, layers: int = 0) -> Feed:
    if path.is_dir():
        if (inside := feed_in(path)) is None:
            return Feed(path, partial(_folders, path), notices=notices)
        notices.say(f"read {inside.name}")
        path = inside
    try:
        file: BinaryIO = stack.enter_context(path.open("rb"))
    except OSError as error:
        raise FeedError(f"{path} cannot be read: {error.strerror}") from error
    if not file.seekable():
        file = _spooled(stack, file)
    return _feed(stack, file, path.parent, path.name, notices, layers)


def _feed(
    stack: ExitStack, file: BinaryIO, root: Path, name: str, notices: Notices | None = None, layers: int = 0
) -> Feed:
    """The feed in a file, which may be packed in several layers. `name` decides what the content leaves open."""
    notices = notices or Notices()
    size = os.fstat(file.fileno()).st_size
    container = sniffing.container(file)
    if container == "xlsx":
        return Feed(root, partial(_spreadsheet, file), size, file, notices)
    if container and layers == _MOST_LAYERS:
        raise FeedError(f"packed more than {_MOST_LAYERS} times")
    if container == "gzip":
        unpacked = stack.enter_context(unpacked_gzip(file, size))
        return _feed(stack, unpacked, root, name.removesuffix(".gz"), notices, layers + 1)
    if container == "zip":
        folder = stack.enter_context(unpacked_zip(file, size))
        return _at_path(stack, _without_wrappers(folder), notices, layers + 1)
    return Feed(root, partial(_plain, file, name), size, file, notices)


def _folders(path: Path, notices: Notices) -> Iterator[FeedRow | BadRow]:
    return _some(read_folders(path), "a folder without a feed and without a photo")


def _spreadsheet(file: BinaryIO, notices: Notices) -> Iterator[FeedRow | BadRow]:
    return _some(read_spreadsheet(file, notices), "a sheet without a row")


def _plain(file: BinaryIO, name: str, notices: Notices) -> Iterator[FeedRow | BadRow]:
    return _some(_rows(file, name, notices), "no item in it")


def _rows(file: BinaryIO, name: str, notices: Notices) -> Iterator[FeedRow | BadRow]:
    source = Encoded.judged(file, sniffing.declared_encoding(file))
    kind = sniffing.kind(source, PurePosixPath(name).suffix.lower())
    if kind == "xml":
        return read_xml(source, notices)
    if kind == "json":
        return read_json_document(source, notices)
    whole = _ends_a_line(file)
    stream = io.TextIOWrapper(source.open(notices), encoding="utf-8", newline="")
    rows = read_json_lines(stream) if kind == "json lines" else read_delimited(stream, notices)
    return rows if whole else _cut_off(rows)


def _ends_a_line(file: BinaryIO) -> bool:
    """Whether the last line is ended, in whatever encoding."""
    position = file.tell()
    file.seek(max(file.seek(0, io.SEEK_END) - 4, 0))
    last = file.read(4)
    file.seek(position)
    return last.rstrip(b"\0").endswith((b"\n", b"\r"))


def _cut_off(rows: Iterator[FeedRow | BadRow]) -> Iterator[FeedRow | BadRow]:
    """The rows of a feed that ends within a line: where the last one cannot be read, the feed was cut off there."""
    last: BadRow | None = None
    for row in rows:
        if last is not None:
            yield last
            last = None
        if isinstance(row, BadRow):
            last = row
        else:
            yield row
    if last is not None:
        yield replace(last, cut_off=True)


def _some(rows: Iterator[FeedRow | BadRow], otherwise: str) -> Iterator[FeedRow | BadRow]:
    """The rows; raises FeedError where there is none."""
    none = True
    for row in rows:
        none = False
        yield row
    if none:
        raise FeedError(otherwise)


def _without_wrappers(folder: Path) -> Path:
    """The folder in a zip archive that holds the feed: archives often hold one folder with everything in it."""
    inside = folder
    while True:
        entries = list(inside.iterdir())
        if len(entries) != 1 or not entries[0].is_dir():
            break
        inside = entries[0]
    return inside if feed_in(inside) is not None else folder


def _spooled(stack: ExitStack, file: BinaryIO) -> BinaryIO:
    """A copy of a pipe: what a feed is, is told by looking at it more than once."""
    copy = stack.enter_context(tempfile.TemporaryFile(prefix="feed-"))
    shutil.copyfileobj(file, copy)
    copy.seek(0)
    return copy
