"""Files on a disk that appear whole or not at all, whenever the process that writes them dies."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible
from django.utils.encoding import filepath_to_uri

PARTIAL_SUFFIX = ".partial"


@deconstructible
class WholeFileStorage(FileSystemStorage):
    """Django's own storage on a disk, but a file is written beside its place, flushed, and then renamed into it.

    An existing file of the same name is replaced: the names are those of the content, so it is the same file.
    A `.partial` file that a dead process left behind is removed by the sweep.
    """

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def url(self, name: str | None) -> str:
        """As Django's, for names that lie below the base address as all ours do; parsing both takes three times as long."""
        return f"{self.base_url}{filepath_to_uri(name)}"

    def _save(self, name: str, content: File[bytes]) -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.{uuid.uuid4().hex}{PARTIAL_SUFFIX}")
        try:
            with partial.open("xb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            if self.file_permissions_mode is not None:
                partial.chmod(self.file_permissions_mode)
            partial.replace(target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        return name
