"""Photos out of a ZIP file that somebody sends. Nothing in it is trusted: what it claims is bounded before it is read, and what is
read is bounded whatever it claims."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from django.conf import settings

from catalog.texts import printable

MOST_FILES = 300
MOST_UNPACKED = 512 * 1024**2  # bytes of all files together
_MOST_DIRECTORY = 1024**2  # bytes of the list of files, which zipfile reads into memory at once
# The record at the end of the file, and the one before it by which a larger directory is found (ZIP64).
_END, _END_SIZE, _FAR = b"PK\x05\x06", 22, b"PK\x06\x07"
_FAR_SIZE, _LONGEST_COMMENT = 20, 65_535
_READ = (
    zipfile.ZIP_STORED,
    zipfile.ZIP_DEFLATED,
)  # decompressors of other methods take as much memory as the file says
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)
_MB = 1024**2


class ArchiveError(Exception):
    """The whole file cannot be taken; the text says why, and what would do."""


@dataclass(frozen=True)
class Unpacked:
    """A file of the archive: its path there below the folder that all of them lie in, and its bytes or what is wrong with it."""

    name: str
    data: bytes = b""
    error: str = ""


def looks_like_archive(file: BinaryIO) -> bool:
    """By its first bytes, whatever its name."""
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    return start in (b"PK\x03\x04", _END)


def unpacked(file: BinaryIO) -> Iterator[Unpacked]:
    """The files of a ZIP, one in memory at a time; what computers put into archives by themselves is passed over.

    Raises ArchiveError.
    """
    _check_directory(file)
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGED as error:
        raise ArchiveError("it is no ZIP file, or a damaged one; pack it again") from error
    with archive:
        wanted = [one for one in archive.infolist() if not one.is_dir() and not _is_clutter(one.filename)]
        if len(wanted) > MOST_FILES:
            raise ArchiveError(f"it holds {len(wanted):,} files; send {MOST_FILES} at a time")
        left, shared = MOST_UNPACKED, _shared_folder([entry.filename for entry in wanted])
        for entry in wanted:
            one = _read(archive, entry, printable(entry.filename.removeprefix(shared)), left)
            left -= len(one.data)
            yield one


def _check_directory(file: BinaryIO) -> None:
    """Before zipfile makes an object of each of perhaps millions of entries. Raises ArchiveError."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END_SIZE - _LONGEST_COMMENT - _FAR_SIZE))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        raise ArchiveError("it is no ZIP file, or a damaged one; pack it again")
    directory: int = struct.unpack("<4s4H2LH", tail[at : at + _END_SIZE])[5]
    if directory > _MOST_DIRECTORY or tail[max(0, at - _FAR_SIZE) : at].startswith(_FAR):
        raise ArchiveError(f"it lists too many files; send {MOST_FILES} at a time")


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, left: int) -> Unpacked:
    most = settings.MAX_PHOTO_BYTES
    if entry.flag_bits & 1:
        return Unpacked(name, error="it has a password; pack it without one")
    if entry.compress_type not in _READ:
        return Unpacked(name, error="it is packed in a way that is not read; pack it as an ordinary ZIP")
    if entry.file_size > most:
        return Unpacked(name, error=f"the file is larger than {most / _MB:g} MB; send a smaller one")
    try:
        with archive.open(entry) as file:
            data = file.read(min(most, left) + 1)
    except _DAMAGED:
        return Unpacked(name, error="it is damaged in the ZIP file; pack it again")
    if len(data) > most:
        return Unpacked(name, error=f"the file is larger than {most / _MB:g} MB; send a smaller one")
    if len(data) > left:
        return Unpacked(
            name, error=f"the ZIP file unpacks to more than {MOST_UNPACKED // _MB} MB; send the rest in another"
        )
    return Unpacked(name, data)


def _shared_folder(names: Sequence[str]) -> str:
    """The folder that all of them lie in, with a slash, which says nothing of any; "" where there is none."""
    shared: list[str] = []
    for parts in zip(*(name.split("/")[:-1] for name in names), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(f"{parts[0]}/")
    return "".join(shared)


def _is_clutter(name: str) -> bool:
    path = PurePosixPath(name)
    return "__MACOSX" in path.parts or path.name.startswith(".") or path.name.lower() in ("thumbs.db", "desktop.ini")
