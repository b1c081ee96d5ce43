"""Files that are made from a stored photo when they are first asked for, then kept in storage: thumbnails and derivatives."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable
from typing import BinaryIO

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from catalog.models import ProductImage
from catalog.photos.reading import DecodersBusy, PhotoError
from catalog.photos.storage_errors import storage_errors

# Files made at once in a process, of whatever kind, so that its other threads go on answering. Further callers wait WAIT_SECONDS,
# then get DecodersBusy.
AT_A_TIME = 2
WAIT_SECONDS = 1.0
# How long a photo that could not be decoded is not tried again: each try may take up to the setting PHOTO_SECONDS.
REMEMBERED_SECONDS = 300.0
REMEMBERED = 10_000
_LOGGED_EACH_SECONDS = 60.0

logger = logging.getLogger(__name__)
_places = threading.BoundedSemaphore(AT_A_TIME)


class MadeOnDemand:
    """Files of one kind. `what`: the kind's name in the plural. `make`: the file of a photo; it may raise PhotoError. Thread-safe."""

    def __init__(self, what: str, make: Callable[[BinaryIO], bytes]) -> None:
        self._what, self._make = what, make
        self._unreadable: dict[str, float] = {}  # digest → when it may be tried again (time.monotonic)
        self._logged_at = -_LOGGED_EACH_SECONDS

    def made(self, digest: str, *, name: str, fits: Callable[[str], bool] = lambda photo: True) -> bytes | None:
        """The file of the photo of this digest, which is then kept under `name`; None where there is no such photo, or none that
        can be decoded.

        `fits`: whether the file is one of this photo, by the photo's name in storage. Raises DecodersBusy and
        StorageUnavailable, which may pass.
        """
        if time.monotonic() < self._unreadable.get(digest, 0.0):
            return None
        image = ProductImage.objects.filter(digest=digest).first()
        if image is None or not fits(str(image.file)):
            return None
        try:
            data = self._made_of(str(image.file))
        except DecodersBusy:
            raise
        except PhotoError:
            self._remember(digest)
            return None
        except FileNotFoundError:
            return None
        self._keep(name, data)
        return data

    def _made_of(self, photo: str) -> bytes:
        if not _places.acquire(timeout=WAIT_SECONDS):
            raise DecodersBusy(f"{AT_A_TIME} pictures are being made already")
        try:
            with storage_errors("the photo could not be read"), default_storage.open(photo) as file:
                data = file.read(settings.MAX_PHOTO_BYTES + 1)
            return self._make(io.BytesIO(data))
        finally:
            _places.release()

    def _remember(self, digest: str) -> None:
        if len(self._unreadable) >= REMEMBERED:
            self._unreadable.clear()
        self._unreadable[digest] = time.monotonic() + REMEMBERED_SECONDS

    def _keep(self, name: str, data: bytes) -> None:
        """Store a file. Where the storage is full or read-only it is made anew for each request instead."""
        try:
            stored = default_storage.save(name, ContentFile(data))
            if stored != name:
                default_storage.delete(stored)  # another process made it meanwhile, so this is a second copy
        except Exception as error:  # storages elsewhere raise errors of their own kinds
            if time.monotonic() - self._logged_at >= _LOGGED_EACH_SECONDS:
                self._logged_at = time.monotonic()
                logger.warning("%s are made anew each time, for storage takes none (%s: %s)", self._what, name, error)
