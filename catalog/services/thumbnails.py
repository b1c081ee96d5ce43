"""Thumbnails: made from the stored photo when first asked for, then kept in storage beside it."""

from __future__ import annotations

import io
import threading

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from catalog.models import ProductImage
from catalog.photo_reading import PhotoError, decode_photo
from catalog.representation import THUMBNAIL_SIDE
from catalog.storage_names import thumbnail_path

_QUALITY = 82
_at_a_time = threading.BoundedSemaphore(2)  # decoding takes 120 MB at the largest (MAX_WHOLE_PHOTO_PIXELS)


def thumbnail_bytes(digest: str) -> bytes | None:
    """A progressive JPEG of at most 400 pixels a side; None when there is no such photo, or none that can be decoded."""
    name = thumbnail_path(digest)
    try:
        with default_storage.open(name) as file:
            kept: bytes = file.read()
            return kept
    except FileNotFoundError:
        pass
    image = ProductImage.objects.filter(digest=digest).first()
    if image is None:
        return None
    try:
        with _at_a_time, default_storage.open(str(image.file)) as file:
            small = decode_photo(io.BytesIO(file.read()), at_least=THUMBNAIL_SIDE)
            small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    except (PhotoError, FileNotFoundError):
        return None
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_QUALITY, progressive=True, optimize=True)
    data = buffer.getvalue()
    stored = default_storage.save(name, ContentFile(data))
    if stored != name:
        default_storage.delete(stored)  # somebody else made it at this moment
    return data
