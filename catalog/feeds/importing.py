"""Import a feed: in batches, each in a transaction of its own, however long the feed is."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import TypeVar

from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection

from catalog.categories import CategoryTree
from catalog.changes.photos import PhotoReference
from catalog.feeds.changes import Candidate, Outcome, PhotosSwept, would_change, write
from catalog.feeds.columns import ProductRow, RowError, is_url, read_columns
from catalog.feeds.expected import with_known_columns
from catalog.feeds.mapping.applying import mapped
from catalog.feeds.mapping.files import Mapping
from catalog.feeds.naming import Naming, TooManyMissing
from catalog.feeds.photo_files import PhotoFile, PhotoReferenceError, look_at_photo_files, read_photo_file
from catalog.feeds.price_cells import price_texts
from catalog.feeds.prices import PriceReader, survey
from catalog.feeds.reading import Feed
from catalog.feeds.report import Problem, Report
from catalog.feeds.rows import BadRow, FeedRow, Notices
from catalog.feeds.separators import Evidence
from catalog.feeds.sources import Source
from catalog.filters.entries.price import currencies
from catalog.photos import store
from catalog.photos.decoder_pool import KEPT_IDLE
from catalog.photos.reading import PhotoError
from catalog.photos.storage_errors import StorageUnavailable
from catalog.photos.store import KeptPhoto

BATCH_ROWS = 100
BATCH_PHOTOS = 200
# Photos that are judged and stored at once: as many as there are decoder processes that stay between two photos.
STORED_AT_ONCE = KEPT_IDLE
KEPT_PROBLEMS = 1000
# How often a batch is tried where Postgres is away or another writer was in the way: for about eight seconds.
TRIES = 6
FIRST_PAUSE_SECONDS = 0.25
# How often a batch is tried whose files, just stored, the sweep removes before rows name them.
WRITES = 3

T = TypeVar("T")
logger = logging.getLogger(__name__)


@dataclass
class FeedImport:
    """One run over one feed. `tell` gets every problem as it is found, `advance` is called after every batch.

    `currency`: what prices without one are in. `mapping`: which column is which, for a feed that is not recognised. `source`: the
    name under which the feed's products are known to be its own; None: they are not. `unpublish_missing`: hide those that no
    feed names any more, but not too large a share of them unless `force`. `refetch`: have every photo by URL fetched anew.
    """

    feed: Feed
    currency: str = ""
    mapping: Mapping | None = None
    dry_run: bool = False
    source: str | None = None
    unpublish_missing: bool = False
    force: bool = False
    refetch: bool = False
    tell: Callable[[Problem], None] = lambda _: None
    advance: Callable[[Report], None] = lambda _: None

    def run(self) -> Report:
        """Raises FeedError where the feed cannot be read at all, SourceError where the source's name cannot be one."""
        self._report = Report(self.dry_run)
        self._tree = CategoryTree()
        self._lines: dict[bytes, int] = {}
        self._prices = PriceReader(self.currency, lambda: currencies()[0].code, self._evidence, self.feed.notices)
        self._cut_off = False
        self._naming = None if self.source is None else Naming(self.source, self.dry_run)
        if self._naming:
            _retried(self._naming.begin)
        with ThreadPoolExecutor(STORED_AT_ONCE, thread_name_prefix="photos") as self._storing:
            for rows in self._batches():
                self._write(self._candidates(rows))
                self.advance(self._report)
        if self._naming:
            self._end(self._naming)
        self._report.notices = list(self.feed.notices)
        return self._report

    @property
    def _source(self) -> Source | None:
        return None if self._naming is None else self._naming.source

    def _end(self, naming: Naming) -> None:
        """Hide what the feed names no more, if that is asked for and the feed was read to its end."""
        try:
            if not self._cut_off:
                self._report.hidden = _retried(lambda: naming.end(unpublish=self.unpublish_missing, force=self.force))
                self._report.whole = True
            elif self.unpublish_missing:
                self._problem(0, "the feed", "nothing was hidden: the feed breaks off, so what it names is not known")
        except TooManyMissing as error:
            self._problem(0, "the feed", str(error))

    def _evidence(self) -> Evidence:
        """What all prices of the feed say of points and commas: read once more, and nothing of it kept but counts."""
        rows = (row for row in self._mapped(self.feed.again(), Notices()) if isinstance(row, FeedRow))
        return survey(text for row in rows for text in price_texts(row))

    def _mapped(self, rows: Iterator[FeedRow | BadRow], notices: Notices) -> Iterator[FeedRow | BadRow]:
        return mapped(rows, self.feed.again, notices, self.mapping)

    def _batches(self) -> Iterator[list[ProductRow]]:
        batch: dict[str, ProductRow] = {}
        named = 0
        for row in self._product_rows():
            if row.sku in batch:
                yield list(batch.values())  # only writing it shows whether the first row of an id was good
                batch, named = {}, 0
            if (line := self._lines.get(_digest(row.sku))) is not None:
                self._problem(row.line, row.place, f"id {row.sku} was in line {line} already; the first one counts")
                continue
            batch[row.sku] = row
            named += len(row.photos or ())
            if len(batch) >= BATCH_ROWS or named >= BATCH_PHOTOS:
                yield list(batch.values())
                batch, named = {}, 0
        if batch:
            yield list(batch.values())

    def _product_rows(self) -> Iterator[ProductRow]:
        for raw in with_known_columns(self._mapped(self.feed.rows, self.feed.notices)):
            self._report.rows += 1
            if isinstance(raw, BadRow):
                self._cut_off = self._cut_off or raw.cut_off
                self._problem(raw.line, raw.place, raw.reason)
                continue
            try:
                row = read_columns(raw, self._prices)
            except RowError as error:
                self._problem(raw.line, raw.place, str(error))
                continue
            yield row
            for problem in row.problems:
                self._problem(raw.line, raw.place, problem)
            for what, example in row.noticed:
                self.feed.notices.decided(what, example)

    def _candidates(self, rows: list[ProductRow]) -> list[Candidate]:
        """Photos are read, judged by their header and stored here, outside of any transaction: a few at once, since they wait
        for decoder processes and for the disk.
        """
        paths = [text for row in rows for text in row.photos or () if not is_url(text)]
        self._files = look_at_photo_files(self.feed.root, paths, lambda digests: _retried(lambda: store.named(digests)))
        self._new = {
            path: self._storing.submit(self._store, path, file.data)
            for path, file in self._files.items()
            if file.kept is None
        }
        return [self._candidate(row) for row in rows]

    def _candidate(self, row: ProductRow) -> Candidate:
        if row.photos is None:
            return Candidate(row, None, complete=False)
        references: list[PhotoReference] = []
        complete = True
        for text in row.photos:
            reference = PhotoReference(text, None) if is_url(text) else self._stored(row, text)
            if reference is None:
                complete = False
            else:
                references.append(reference)
        return Candidate(row, references, complete)

    def _stored(self, row: ProductRow, path: str, *, again: bool = False) -> PhotoReference | None:
        """Store a photo of the feed's folder; None when it was reported as a problem. `again`: also where a row names that file."""
        file = self._files.get(path, PhotoFile(None, None))
        if file.kept is not None and not again:
            return PhotoReference("", file.kept, path)
        try:
            started = None if again else self._new.get(path)
            kept = started.result() if started is not None else self._store(path)
        except PhotoReferenceError as error:
            self._problem(row.line, row.place, str(error))
            return None
        except (PhotoError, StorageUnavailable) as error:
            self._problem(row.line, row.place, f"{path}: {error}")
            return None
        return PhotoReference("", kept, path)

    def _store(self, path: str, data: bytes | None = None) -> KeptPhoto:
        """Runs beside others like it, and asks nothing of Postgres."""
        if data is None:
            data = read_photo_file(self.feed.root, path)
        described = store.describe(data)
        return described if self.dry_run else store.keep(data, described)

    def _write(self, batch: list[Candidate]) -> None:
        """A row that the database refuses, or of which storage fails, is reported alone; the others of its batch go in."""
        try:
            outcome = self._written(batch)
            self._report.changes += outcome.changes
            untitled = {row.sku for row in outcome.untitled}
            for row in outcome.untitled:
                if any(problem.startswith("title: ") for problem in row.problems):
                    continue  # said already
                reason = f"title: missing; no product has the id {row.sku} yet, and a new one needs a title"
                self._problem(row.line, row.place, reason)
            taken = [candidate.row for candidate in batch if candidate.row.sku not in untitled]
            self._lines |= {_digest(row.sku): row.line for row in taken}
        except (DataError, IntegrityError, StorageUnavailable) as error:
            if len(batch) > 1:
                for candidate in batch:
                    self._write([candidate])
            else:
                row = batch[0].row
                if self._naming:
                    _retried(partial(self._naming.refused, row.sku))
                refuses = "" if isinstance(error, StorageUnavailable) else "the database refuses it: "
                self._problem(row.line, row.place, refuses + str(error).splitlines()[0])

    def _written(self, batch: list[Candidate]) -> Outcome:
        if self.dry_run:
            outcome = _retried(lambda: would_change(batch, self._tree, self._source))
            if self._naming:
                _retried(partial(self._naming.count, outcome.products))
            return outcome
        sweeps = 0
        while True:
            try:
                return _retried(partial(self._write_once, batch), self._forget_categories)
            except PhotosSwept as swept:
                sweeps += 1
                batch = [self._again(candidate, swept.names, give_up=sweeps >= WRITES) for candidate in batch]

    def _write_once(self, batch: list[Candidate]) -> Outcome:
        return write(batch, self._tree, self._source, self.refetch)

    def _forget_categories(self) -> None:
        """Read the categories anew: those that a failed transaction had made are not there."""
        self._tree = CategoryTree()

    def _again(self, candidate: Candidate, names: set[str], *, give_up: bool) -> Candidate:
        """The candidate with the photos of these names stored anew from the feed's folder, or left out."""
        references: list[PhotoReference] = []
        complete = candidate.complete
        for reference in candidate.photos or ():
            kept: PhotoReference | None = reference
            if reference.kept is not None and reference.kept.name in names:
                kept = None if give_up else self._stored(candidate.row, reference.path, again=True)
                complete = complete and kept is not None
                if give_up:
                    reason = f"{reference.path}: removed from storage {WRITES} times while the row was written"
                    self._problem(candidate.row.line, candidate.row.place, f"{reason}; import again")
            if kept is not None:
                references.append(kept)
        return Candidate(candidate.row, candidate.photos and references, complete)

    def _problem(self, line: int, place: str, reason: str) -> None:
        problem = Problem(line, place, reason)
        self._report.problem_count += 1
        if len(self._report.problems) < KEPT_PROBLEMS:
            self._report.problems.append(problem)
        self.tell(problem)


def _digest(sku: str) -> bytes:
    """Eight bytes by which a second row of an id is known: a feed may have a million ids."""
    return blake2b(sku.encode(), digest_size=8).digest()


def _retried(ask: Callable[[], T], before_again: Callable[[], None] = lambda: None) -> T:
    """`ask()`, again after a pause where Postgres was away or ended a deadlock: what is asked can be asked twice."""
    for attempt in range(1, TRIES):
        try:
            if attempt > 1:
                before_again()
            return ask()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block:
                raise
            logger.warning("tried again: %s", error)
        time.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
        connection.close_if_unusable_or_obsolete()
    before_again()
    return ask()
