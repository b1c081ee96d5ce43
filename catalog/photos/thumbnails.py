"""Thumbnails: made from the stored photo when first asked for, then kept in storage beside it."""

from __future__ import annotations

import io
import logging
import threading
import time

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from catalog.models import ProductImage
from catalog.photos.reading import DecodersBusy, PhotoError, decode_photo
from catalog.photos.storage_errors import storage_errors
from catalog.representation import THUMBNAIL_SIDE
from catalog.storage_names import thumbnail_path

# Thumbnails made at once in a process, so that its other threads go on answering. Further callers wait WAIT_SECONDS, then
# get DecodersBusy.
AT_A_TIME = 2
WAIT_SECONDS = 1.0
# How long a photo that could not be decoded is not tried again: each try may take up to the setting PHOTO_SECONDS.
REMEMBERED_SECONDS = 300.0
REMEMBERED = 10_000
_QUALITY = 82
_LOGGED_EACH_SECONDS = 60.0

logger = logging.getLogger(__name__)
_places = threading.BoundedSemaphore(AT_A_TIME)
_unreadable: dict[str, float] = {}  # digest → when it may be tried again (time.monotonic)
_logged_at = -_LOGGED_EACH_SECONDS


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
        pass
    if time.monotonic() < _unreadable.get(digest, 0.0):
        return None
    image = ProductImage.objects.filter(digest=digest).first()
    if image is None:
        return None
    try:
        data = _made(str(image.file))
    except DecodersBusy:
        raise
    except PhotoError:
        _remember(digest)
        return None
    except FileNotFoundError:
        return None
    _keep(name, data)
    return data


def _made(photo: str) -> bytes:
    if not _places.acquire(timeout=WAIT_SECONDS):
        raise DecodersBusy(f"{AT_A_TIME} thumbnails are being made already")
    try:
        with storage_errors("the photo could not be read"), default_storage.open(photo) as file:
            data = file.read(settings.MAX_PHOTO_BYTES + 1)
        small = decode_photo(io.BytesIO(data), at_least=THUMBNAIL_SIDE)
        small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    finally:
        _places.release()
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_QUALITY, progressive=True, optimize=True)
    return buffer.getvalue()


def _remember(digest: str) -> None:
    if len(_unreadable) >= REMEMBERED:
        _unreadable.clear()
    _unreadable[digest] = time.monotonic() + REMEMBERED_SECONDS


def _keep(name: str, data: bytes) -> None:
    """Store a thumbnail. Where the storage is full or read-only it is made anew for each request instead."""
    global _logged_at
    try:
        stored = default_storage.save(name, ContentFile(data))
        if stored != name:
            default_storage.delete(stored)  # another process made it meanwhile, so this is a second copy
    except Exception as error:  # storages elsewhere raise errors of their own kinds
        if time.monotonic() - _logged_at >= _LOGGED_EACH_SECONDS:
            _logged_at = time.monotonic()
            logger.warning("thumbnails are made anew each time, for storage takes none (%s: %s)", name, error)
