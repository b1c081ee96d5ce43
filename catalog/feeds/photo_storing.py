"""Stores the photos of an import: a few at a time, beside the reading and writing of other rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Semaphore
from types import TracebackType
from typing import Self

from catalog.changes.photos import PhotoReference
from catalog.feeds.changes import Candidate
from catalog.feeds.columns import ProductRow, is_url
from catalog.feeds.photo_files import PhotoFile, PhotoReferenceError, look_at_photo_files, read_photo_file
from catalog.feeds.retrying import retried
from catalog.photos import store
from catalog.photos.decoder_pool import KEPT_IDLE
from catalog.photos.reading import PhotoError
from catalog.photos.storage_errors import StorageUnavailable
from catalog.photos.store import KeptPhoto

# Files that are written at once, which is waiting for the disk mostly.
_STORED_AT_ONCE = 6
# How often a batch is written whose files, just stored, the sweep removes before rows name them.
WRITES = 3

Tell = Callable[[int, str, str], None]


@dataclass(frozen=True)
class Begun:
    """The rows of a batch whose photos are being stored: what is known of each photo file, and the new ones' results."""

    rows: Sequence[ProductRow]
    files: Mapping[str, PhotoFile]
    new: Mapping[str, Future[KeptPhoto]]


class PhotoStoring:
    """Stores the photos that rows name in the folder of a feed. In a dry run they are only judged.

    `tell` gets line, place and reason of what cannot be stored.
    """

    def __init__(self, root: Path, *, dry_run: bool, tell: Tell) -> None:
        self._root, self._dry_run, self._tell = root, dry_run, tell
        self._threads = ThreadPoolExecutor(_STORED_AT_ONCE, thread_name_prefix="photos")
        # As many photos are judged at once as there are decoder processes that stay between two photos.
        self._judging = Semaphore(KEPT_IDLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._threads.shutdown(cancel_futures=True)

    def begin(self, rows: Sequence[ProductRow]) -> Begun:
        """Begin to store the photos of a batch. Outside of any transaction, as `candidates`."""
        paths = [text for row in rows for text in row.photos or () if not is_url(text)]
        files = look_at_photo_files(self._root, paths, lambda digests: retried(lambda: store.named(digests)))
        new = {
            path: self._threads.submit(self._store, path, file.data)
            for path, file in files.items()
            if file.kept is None
        }
        return Begun(rows, files, new)

    def candidates(self, begun: Begun) -> list[Candidate]:
        """The rows with their photos, once those are stored."""
        return [self._candidate(row, begun) for row in begun.rows]

    def again(self, candidate: Candidate, names: set[str], *, give_up: bool) -> Candidate:
        """The candidate with the photos of these names stored anew, or left out."""
        references: list[PhotoReference] = []
        complete = candidate.complete
        row = candidate.row
        for reference in candidate.photos or ():
            kept: PhotoReference | None = reference
            if reference.kept is not None and reference.kept.name in names:
                kept = None if give_up else self._told(row, reference.path, partial(self._store, reference.path))
                complete = complete and kept is not None
                if give_up:
                    reason = f"{reference.path}: removed from storage {WRITES} times while the row was written"
                    self._tell(row.line, row.place, f"{reason}; import again")
            if kept is not None:
                references.append(kept)
        return Candidate(row, candidate.photos and references, complete)

    def _candidate(self, row: ProductRow, begun: Begun) -> Candidate:
        if row.photos is None:
            return Candidate(row, None, complete=False)
        references: list[PhotoReference] = []
        complete = True
        for text in row.photos:
            reference = PhotoReference(text, None) if is_url(text) else self._stored(row, text, begun)
            if reference is None:
                complete = False
            else:
                references.append(reference)
        return Candidate(row, references, complete)

    def _stored(self, row: ProductRow, path: str, begun: Begun) -> PhotoReference | None:
        """A photo of the feed's folder; None when it was reported as a problem."""
        file = begun.files.get(path)
        if file is not None and file.kept is not None:
            return PhotoReference("", file.kept, path)
        started = begun.new.get(path)
        return self._told(row, path, started.result if started is not None else lambda: self._store(path))

    def _told(self, row: ProductRow, path: str, store_it: Callable[[], KeptPhoto]) -> PhotoReference | None:
        try:
            return PhotoReference("", store_it(), path)
        except PhotoReferenceError as error:
            self._tell(row.line, row.place, str(error))
        except (PhotoError, StorageUnavailable) as error:
            self._tell(row.line, row.place, f"{path}: {error}")
        return None

    def _store(self, path: str, data: bytes | None = None) -> KeptPhoto:
        """Runs beside others like it, and asks nothing of Postgres."""
        if data is None:
            data = read_photo_file(self._root, path)
        with self._judging:
            described = store.describe(data)
        return described if self._dry_run else store.keep(data, described)
