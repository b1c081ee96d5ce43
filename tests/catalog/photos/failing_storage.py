"""A storage that fails at chosen steps, put in by the setting STORAGES: what chmod is to a user is nothing to root."""

from __future__ import annotations

import errno
import os
from typing import IO, Any

from django.core.files.base import File

from catalog.photos.storage import WholeFileStorage


class Elsewhere(Exception):
    """What a storage that is no disk raises: no OSError, and its text names the address."""


class FailingStorage(WholeFileStorage):
    """Fails in the methods named by `at` ("save", "open", "exists", "delete") with the system's error, or as Elsewhere."""

    def __init__(self, *, at: list[str], error: str = "EROFS", **options: Any) -> None:
        super().__init__(**options)
        self._at, self._error = at, error

    def _save(self, name: str, content: File[bytes]) -> str:
        self._fail("save", name)
        return super()._save(name, content)

    def _open(self, name: str, mode: str = "rb") -> IO[Any]:
        self._fail("open", name)
        return super()._open(name, mode)

    def exists(self, name: str) -> bool:
        self._fail("exists", name)
        return super().exists(name)

    def delete(self, name: str) -> None:
        self._fail("delete", name)
        super().delete(name)

    def _fail(self, step: str, name: str) -> None:
        if step not in self._at:
            return
        if self._error == "Elsewhere":
            raise Elsewhere(f"https://bucket.example/{name}: access denied")
        number = getattr(errno, self._error)
        raise OSError(number, os.strerror(number), f"/srv/secret/{name}")


def failing(settings: Any, *at: str, error: str = "EROFS") -> None:
    """Let the storage of photos fail at these steps from now on."""
    options = {"at": list(at), "error": error}
    backend = {"BACKEND": "tests.catalog.photos.failing_storage.FailingStorage", "OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"default": backend}
