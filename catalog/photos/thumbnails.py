"""Small pictures of photos, made when first asked for, then kept in storage: thumbnails in JPEG, which answers of the API name, and
pictures in WebP of the sizes that pages show."""

from __future__ import annotations

import io
from functools import partial
from typing import BinaryIO

from django.core.files.storage import default_storage
from PIL import Image

from catalog.derivatives import SMALL_SIDES, small_size
from catalog.photos.on_demand import MadeOnDemand
from catalog.photos.reading import decode_photo
from catalog.photos.storage_errors import storage_errors
from catalog.representation import THUMBNAIL_SIDE
from catalog.storage_names import small_picture_path, thumbnail_path

_QUALITY = 82
_WEBP_QUALITY = 78  # to the eye as good as a JPEG of 82, at two thirds of its bytes


def thumbnail_bytes(digest: str) -> bytes | None:
    """A progressive JPEG of at most 400 pixels a side; None when there is no such photo, or none that can be decoded.

    Raises DecodersBusy and StorageUnavailable, which may pass.
    """
    return _kept_or_made(_thumbnails, digest, thumbnail_path(digest))


def small_picture_bytes(digest: str, side: int) -> bytes | None:
    """A WebP picture, no side longer than `side`, which is one of SMALL_SIDES; else as `thumbnail_bytes`."""
    return _kept_or_made(_small_pictures[side], digest, small_picture_path(digest, side))


def _kept_or_made(kind: MadeOnDemand, digest: str, name: str) -> bytes | None:
    try:
        with storage_errors("the thumbnail could not be read"), default_storage.open(name) as file:
            kept: bytes = file.read()
            return kept
    except FileNotFoundError:
        return kind.made(digest, name=name)


def _small(photo: BinaryIO) -> bytes:
    small = decode_photo(photo, at_least=THUMBNAIL_SIDE)
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_QUALITY, progressive=True, optimize=True)
    return buffer.getvalue()


def _small_webp(photo: BinaryIO, *, side: int) -> bytes:
    picture = decode_photo(photo, at_least=side)
    picture = picture.resize(small_size(*picture.size, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=_WEBP_QUALITY, method=4)
    return buffer.getvalue()


_thumbnails = MadeOnDemand("thumbnails", _small)
_small_pictures = {side: MadeOnDemand("thumbnails", partial(_small_webp, side=side)) for side in SMALL_SIDES}
