"""Photos that a feed names by path: they stay inside the feed's folder, whatever the feed says."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from django.conf import settings


class PhotoReferenceError(ValueError):
    """The reference names no photo that may be read; the text says why."""


def read_photo_file(root: Path, reference: str) -> bytes:
    """The bytes of a photo, one more than MAX_PHOTO_BYTES at most. Raises PhotoReferenceError."""
    path = photo_file(root, reference)
    try:
        with path.open("rb") as file:
            return file.read(settings.MAX_PHOTO_BYTES + 1)
    except OSError as error:
        raise PhotoReferenceError(f"{reference} cannot be read: {error.strerror}") from error


def photo_file(root: Path, reference: str) -> Path:
    """Where a reference points, symbolic links followed. Raises PhotoReferenceError."""
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
