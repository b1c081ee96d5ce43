"""Files on a disk that are complete or absent, even if the process dies while it writes them."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from typing import BinaryIO

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible
from django.utils.encoding import filepath_to_uri

PARTIAL_SUFFIX = ".partial"


@deconstructible
class WholeFileStorage(FileSystemStorage):
    """Django's file system storage, but a file is written under a temporary name, flushed, and then renamed.

    An existing file of the same name is replaced: names are digests of the content, so it is the same file.
    Temporary `.partial` files of processes that died are removed by the sweep.
    """

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def url(self, name: str | None) -> str:
        """The address of a stored file. Django's own method also resolves `..` and the like, which takes three times as long."""
        return f"{self.base_url}{filepath_to_uri(name)}"

    def _save(self, name: str, content: File[bytes]) -> str:
        target = self.path(name)
        partial = f"{target}.{uuid.uuid4().hex}{PARTIAL_SUFFIX}"
        try:
            with _created(partial) as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            if self.file_permissions_mode is not None:
                os.chmod(partial, self.file_permissions_mode)
            os.replace(partial, target)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(partial)
            raise
        return name


def _created(path: str) -> BinaryIO:
    """A new file. Its folder is made when it turns out to be missing: it nearly always is there."""
    try:
        return open(path, "xb")
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return open(path, "xb")
