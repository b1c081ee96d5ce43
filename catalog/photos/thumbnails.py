"""Thumbnails: made from the stored photo when first asked for, then kept in storage beside it."""

from __future__ import annotations

import io
from typing import BinaryIO

from django.core.files.storage import default_storage
from PIL import Image

from catalog.photos.on_demand import MadeOnDemand
from catalog.photos.reading import decode_photo
from catalog.photos.storage_errors import storage_errors
from catalog.representation import THUMBNAIL_SIDE
from catalog.storage_names import thumbnail_path

_QUALITY = 82


def thumbnail_bytes(digest: str) -> bytes | None:
    """A progressive JPEG of at most 400 pixels a side; None when there is no such photo, or none that can be decoded.

    Raises DecodersBusy and StorageUnavailable, which may pass.
    """
    name = thumbnail_path(digest)
    try:
        with storage_errors("the thumbnail could not be read"), default_storage.open(name) as file:
            kept: bytes = file.read()
            return kept
    except FileNotFoundError:
        return _thumbnails.made(digest, name=name)


def _small(photo: BinaryIO) -> bytes:
    small = decode_photo(photo, at_least=THUMBNAIL_SIDE)
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_QUALITY, progressive=True, optimize=True)
    return buffer.getvalue()


_thumbnails = MadeOnDemand("thumbnails", _small)
