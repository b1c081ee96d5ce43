"""Where files lie in storage. A photo is named by its content, so that the same file is one object."""

from __future__ import annotations

import uuid
from pathlib import PurePosixPath
from typing import Protocol

PHOTO_ROOT = "photos"
THUMBNAIL_ROOT = "thumbnails"
DERIVATIVE_ROOT = "derivatives"
PROBE_ROOT = "probes"
FEED_ROOT = "feeds"


class NamedByContent(Protocol):
    """A ProductImage: `digest` is the SHA-256 of its file in hex, "" before there is one."""

    digest: str


def photo_path(digest: str, extension: str) -> str:
    """`photos/ab/<digest>.<extension>`; two hex digits a folder keep folders small at a million photos."""
    return f"{PHOTO_ROOT}/{digest[:2]}/{digest}.{extension}"


def thumbnail_path(digest: str) -> str:
    """Named by its colour space too: those named by the digest alone were made without colour profiles."""
    return f"{THUMBNAIL_ROOT}/{digest[:2]}/{digest}.srgb.jpg"


def small_picture_path(digest: str, side: int) -> str:
    """`thumbnails/ab/<digest>.480.webp`: what pages show, no side longer than `side` pixels."""
    return f"{THUMBNAIL_ROOT}/{digest[:2]}/{digest}.{side}.webp"


def derivative_path(digest: str, extension: str) -> str:
    """`derivatives/ab/<digest>.<extension>`: the digest is that of the photo, the extension that of the derivative."""
    return f"{DERIVATIVE_ROOT}/{digest[:2]}/{digest}.{extension}"


def is_outdated_thumbnail(name: str) -> bool:
    """Whether a file is a thumbnail of an earlier making, which is not served any more."""
    digest = name.rpartition("/")[2].partition(".")[0]
    return name == f"{THUMBNAIL_ROOT}/{digest[:2]}/{digest}.jpg"


def photo_name(image: NamedByContent, filename: str) -> str:
    """`upload_to` of ProductImage.file; the digest must be set before the file is saved."""
    if not image.digest:
        raise ValueError("ProductImage.digest must be set before its file is saved; use catalog.photos.store")
    extension = filename.rpartition(".")[2].lower() or "bin"
    return photo_path(image.digest, extension)


def feed_name(feed: object, filename: str) -> str:
    """`upload_to` of Feed.upload: never the name of another upload, and with the suffixes that say what it is."""
    suffixes = "".join(PurePosixPath(filename).suffixes[-2:]).lower()
    return f"{FEED_ROOT}/{uuid.uuid4().hex}{suffixes if suffixes.isascii() and len(suffixes) <= 20 else ''}"
