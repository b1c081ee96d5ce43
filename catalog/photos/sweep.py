"""Remove files that nothing names any more: photos of deleted rows, what was made of them, what dead writers and old releases left."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from catalog.models import ProductImage
from catalog.photos import store
from catalog.photos.storage import PARTIAL_SUFFIX
from catalog.storage_names import DERIVATIVE_ROOT, PHOTO_ROOT, THUMBNAIL_ROOT, is_outdated_thumbnail

_BATCH = 500
_ROOTS = (PHOTO_ROOT, THUMBNAIL_ROOT, DERIVATIVE_ROOT)
_OURS = re.compile(r"[0-9a-f]{64}\.")


@dataclass(frozen=True)
class Swept:
    """Files seen, and files removed (or, in a dry run, to be removed)."""

    seen: int
    removed: int


def sweep_files(*, grace_seconds: int | None = None, dry_run: bool = False) -> Swept:
    """Remove unnamed files older than the grace period (FILE_GRACE_SECONDS); safe beside uploads and beside itself."""
    grace = settings.FILE_GRACE_SECONDS if grace_seconds is None else grace_seconds
    before = timezone.now() - datetime.timedelta(seconds=grace)
    seen = removed = 0
    for folder in (folder for root in _ROOTS for folder in _folders(root)):
        for names in _batches(folder):
            seen += len(names)
            for name in _unnamed(names):
                if _is_older(name, before):
                    removed += dry_run or _remove(name)
    return Swept(seen, removed)


def _folders(root: str) -> list[str]:
    try:
        return [f"{root}/{folder}" for folder in sorted(default_storage.listdir(root)[0])]
    except FileNotFoundError:
        return []  # nothing was stored yet


def _batches(folder: str) -> Iterator[list[str]]:
    """Files whose names are digests, which are ours; other files in the folder are left alone."""
    files = [f"{folder}/{file}" for file in sorted(default_storage.listdir(folder)[1]) if _OURS.match(file)]
    for start in range(0, len(files), _BATCH):
        yield files[start : start + _BATCH]


def _digest(name: str) -> str:
    return name.rpartition("/")[2].partition(".")[0]


def _unnamed(names: list[str]) -> list[str]:
    rows = ProductImage.objects.filter(digest__in={_digest(name) for name in names})
    named = set(rows.values_list("digest", flat=True))
    return [name for name in names if _digest(name) not in named or _is_left_over(name)]


def _is_left_over(name: str) -> bool:
    return name.endswith(PARTIAL_SUFFIX) or is_outdated_thumbnail(name)


def _is_older(name: str, moment: datetime.datetime) -> bool:
    try:
        return default_storage.get_modified_time(name) < moment
    except FileNotFoundError:
        return False  # another sweep removed it


def _remove(name: str) -> bool:
    """Delete a file under the lock that `store.hold` shares, unless a row refers to it by now; False: the next sweep tries."""
    with transaction.atomic():
        if not store.try_lock_for_sweep(_digest(name)) or not _unnamed([name]):
            return False
        default_storage.delete(name)
    return True
