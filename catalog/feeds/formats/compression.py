"""Unpacks gz and zip to temporary files, bounded in bytes and members."""

from __future__ import annotations

import gzip
import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from django.conf import settings

from catalog.feeds.rows import FeedError

_CHUNK = 256 * 1024
_MOST_MEMBERS = 100_000
# A feed of text shrinks to a twentieth or so; what shrinks a two-hundredfold is made to fill a disk.
_BOMB_RATIO, _BOMB_BYTES = 200, 64 * 1024 * 1024
_BROKEN = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


@contextmanager
def unpacked_gzip(file: BinaryIO, packed_size: int) -> Iterator[BinaryIO]:
    """A gz file's content in a temporary file, gone afterwards. Raises FeedError."""
    with tempfile.TemporaryFile(prefix="feed-") as unpacked:
        try:
            with gzip.GzipFile(fileobj=file) as stream:
                _copy(stream, unpacked, _Budget(packed_size))
        except _BROKEN as error:
            raise FeedError(f"a gz file that cannot be unpacked ({error})") from error
        unpacked.seek(0)
        yield unpacked


@contextmanager
def unpacked_zip(file: BinaryIO, packed_size: int) -> Iterator[Path]:
    """The files of a zip archive, but for hidden ones, in a temporary folder, gone afterwards. Raises FeedError."""
    with tempfile.TemporaryDirectory(prefix="feed-") as name:
        folder = Path(name)
        try:
            with zipfile.ZipFile(file) as archive:
                _extract(archive, folder, _Budget(packed_size))
        except _BROKEN as error:
            raise FeedError(f"a zip archive that cannot be unpacked ({error})") from error
        yield folder


class _Budget:
    """How many bytes may still be unpacked."""

    def __init__(self, packed_size: int) -> None:
        self._packed_size = max(packed_size, 1)
        self._unpacked = 0

    def spend(self, count: int) -> None:
        """Raises FeedError above the bound."""
        self._unpacked += count
        if self._unpacked > settings.FEED_MAX_BYTES:
            limit = f"{settings.FEED_MAX_BYTES / 1024**2:,.0f} MB"
            raise FeedError(f"unpacked it is larger than {limit} (FEED_MAX_BYTES)")
        if self._unpacked > max(_BOMB_BYTES, _BOMB_RATIO * self._packed_size):
            raise FeedError(f"it unpacks to more than {_BOMB_RATIO} times its size, as no feed does: refused")


def _extract(archive: zipfile.ZipFile, folder: Path, budget: _Budget) -> None:
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > _MOST_MEMBERS:
        raise FeedError(f"a zip archive of more than {_MOST_MEMBERS:,} files")
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if any(part.startswith(".") or part == "__MACOSX" for part in path.parts) and ".." not in path.parts:
            continue
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise FeedError(f"a zip archive that names a file outside of itself ({member.filename[:100]!r})")
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as stream, target.open("wb") as unpacked:
            _copy(stream, unpacked, budget)


def _copy(source: IO[bytes] | gzip.GzipFile, target: IO[bytes], budget: _Budget) -> None:
    while chunk := source.read(_CHUNK):
        budget.spend(len(chunk))
        target.write(chunk)
