"""Photos that somebody sends and waits for: in the admin's form, or by the API."""

from __future__ import annotations

import io
from dataclasses import dataclass

from django.conf import settings
from django.core.files.storage import default_storage
from PIL import Image

from catalog.photos import store
from catalog.photos.hashes import PictureHashes, picture_hashes
from catalog.photos.reading import decode_photo
from catalog.photos.storage_errors import storage_errors
from catalog.photos.store import KeptPhoto
from catalog.representation import THUMBNAIL_SIDE


@dataclass(frozen=True)
class KeptUpload:
    """A stored upload, and the perceptual hashes of its picture."""

    kept: KeptPhoto
    hashes: PictureHashes


def keep_upload(data: bytes) -> KeptUpload:
    """Judge and store an upload. Slow: call it outside transactions. Raises PhotoError, StorageUnavailable.

    Unlike an import, an upload has somebody waiting for it: the photo is decoded, so that a damaged one is told at once.
    """
    hashes = picture_hashes(decode_photo(io.BytesIO(data), at_least=THUMBNAIL_SIDE))
    return KeptUpload(store.keep(data), hashes)


def small_picture(kept: KeptPhoto, *, side: int = 240) -> bytes:
    """A JPEG of at most that many pixels a side, of a stored upload that no row names yet, and so has no thumbnail.

    Raises PhotoError, DecodersBusy, StorageUnavailable, and FileNotFoundError where the file was swept.
    """
    with storage_errors("the photo could not be read"), default_storage.open(kept.name) as file:
        small = decode_photo(io.BytesIO(file.read(settings.MAX_PHOTO_BYTES + 1)), at_least=side)
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
