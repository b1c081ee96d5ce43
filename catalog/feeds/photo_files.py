"""Photos that a feed names by path: they stay inside the feed's folder, whatever the feed says."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from django.conf import settings

from catalog.photos import store
from catalog.photos.store import KeptPhoto

# Bytes of a batch's new photos that are held until they are stored; those of further ones are read once more.
_HELD_BYTES = 8 * 1024**2
_NOT_PLAIN = frozenset(("", ".", ".."))


class PhotoReferenceError(ValueError):
    """The reference names no photo that may be read; the text says why."""


@dataclass(frozen=True)
class PhotoFile:
    """A photo file that could be read. `kept`: where it is stored already; `data`: its bytes, if they are held."""

    kept: KeptPhoto | None
    data: bytes | None


def look_at_photo_files(
    root: Path, references: Iterable[str], named: Callable[[list[str]], Mapping[str, KeptPhoto]] = store.named
) -> dict[str, PhotoFile]:
    """What is known of the photo files of a batch, by reference: one statement tells which of them are stored.

    Those that cannot be read are left out: `read_photo_file` says why.
    """
    digests: dict[str, str] = {}
    held: dict[str, bytes] = {}
    free = _HELD_BYTES
    for reference in dict.fromkeys(references):
        try:
            data = read_photo_file(root, reference)
        except PhotoReferenceError:
            continue
        digests[reference] = store.digest_of(data)
        if len(data) <= free:
            held[reference] = data
            free -= len(data)
    stored = named(list(digests.values())) if digests else {}
    return {reference: PhotoFile(stored.get(digest), held.get(reference)) for reference, digest in digests.items()}


def read_photo_file(root: Path, reference: str) -> bytes:
    """The bytes of a photo, one more than MAX_PHOTO_BYTES at most. Raises PhotoReferenceError."""
    path = photo_file(root, reference)
    try:
        with open(path, "rb") as file:
            # A read of so many bytes would first ask for that much memory.
            expected = min(os.fstat(file.fileno()).st_size, settings.MAX_PHOTO_BYTES) + 1
            data = file.read(expected)
            return data if len(data) < expected else data + file.read(settings.MAX_PHOTO_BYTES + 1 - expected)
    except OSError as error:
        raise PhotoReferenceError(f"{reference} cannot be read: {error.strerror}") from error


def photo_file(root: Path, reference: str) -> Path | str:
    """Where a reference points, symbolic links followed. Raises PhotoReferenceError."""
    if (quick := _without_links(root, reference)) is not None:
        return quick
    if "://" in reference:
        raise PhotoReferenceError(f"{reference[:200]} is neither an http(s) URL nor a path")
    relative = PurePosixPath(reference.replace("\\", "/"))
    if relative.is_absolute() or PureWindowsPath(reference).is_absolute() or PureWindowsPath(reference).drive:
        raise PhotoReferenceError(f"{reference} is absolute; photos are named relative to the feed, inside its folder")
    if ".." in relative.parts:
        raise PhotoReferenceError(f"{reference} leaves the feed's folder; photos stay inside it")
    try:
        path = (root / relative).resolve(strict=True)
        if not path.is_relative_to(root.resolve()):
            raise PhotoReferenceError(f"{reference} is a link out of the feed's folder; photos stay inside it")
        if not path.is_file():
            raise PhotoReferenceError(f"{reference} is not a file")
    except FileNotFoundError as error:
        raise PhotoReferenceError(f"{reference} does not exist") from error
    except OSError as error:
        raise PhotoReferenceError(f"{reference} cannot be read: {error.strerror}") from error
    except RuntimeError as error:
        raise PhotoReferenceError(f"{reference} is a link in a circle") from error
    return path


def _without_links(root: Path, reference: str) -> str | None:
    """The file of a plain reference (`a/b.jpg`), if none of the folders from `root` to it, nor itself, is a link: by far the most
    are so, and are known at once.
    """
    parts = reference.split("/")
    if "\\" in reference or ":" in reference or not _NOT_PLAIN.isdisjoint(parts):
        return None
    at = str(root)
    mode = stat.S_IFDIR
    try:
        for part in parts:
            at = f"{at}/{part}"
            mode = os.lstat(at).st_mode
            if stat.S_ISLNK(mode):
                return None
    except (OSError, ValueError):
        return None
    return at if stat.S_ISREG(mode) else None
