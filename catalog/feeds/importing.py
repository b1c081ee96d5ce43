"""Import a feed: in batches, each in a transaction of its own, however long the feed is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from django.db import DataError, IntegrityError

from catalog.categories import CategoryTree
from catalog.changes.products import ProductChange
from catalog.feeds.changes import Candidate, Outcome, PhotosSwept, would_change, write
from catalog.feeds.columns import ProductRow, RowError, read_columns
from catalog.feeds.expected import noting_names, with_known_columns
from catalog.feeds.kept import Kept
from catalog.feeds.mapping.applying import mapped
from catalog.feeds.mapping.files import Mapping
from catalog.feeds.mapping.shop import Context
from catalog.feeds.naming import Naming, NothingHidden
from catalog.feeds.photo_storing import WRITES, Begun, PhotoStoring
from catalog.feeds.price_cells import price_texts
from catalog.feeds.prices import PriceReader, survey
from catalog.feeds.reading import Feed
from catalog.feeds.report import Problem, Report
from catalog.feeds.retrying import retried
from catalog.feeds.rows import BadRow, FeedRow, Notices
from catalog.feeds.separators import Evidence
from catalog.feeds.sources import Source
from catalog.feeds.untitled import UntitledRows
from catalog.filters.entries.price import currencies
from catalog.photos.storage_errors import StorageUnavailable

BATCH_ROWS = 200
BATCH_PHOTOS = 400
KEPT_PROBLEMS = 1000
_LINE = "line of an id"


@dataclass
class FeedImport:
    """One run over one feed. `tell` gets every problem as it is found, `advance` is called after every batch, and in a dry run
    `compare` with what each would change.

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
    compare: Callable[[Sequence[ProductChange]], None] = lambda _: None
    advance: Callable[[Report], None] = lambda _: None

    def run(self) -> Report:
        """Raises FeedError where the feed cannot be read at all, or has new products only and no title in any row; SourceError
        where the source's name cannot be one.
        """
        self._report = Report(self.dry_run)
        self._tree = CategoryTree()
        self._unwritten: set[str] = set()
        self._prices = PriceReader(self.currency, lambda: currencies()[0].code, self._evidence, self.feed.notices)
        self._columns: dict[str, None] = {}
        self._untitled = UntitledRows(self._problem)
        self._naming = None if self.source is None else Naming(self.source, self.dry_run)
        if self._naming:
            retried(self._naming.begin)
        storing = PhotoStoring(self.feed.root, dry_run=self.dry_run, tell=self._problem)
        with Kept() as self._lines, storing as self._photos:
            self._write_all()
        self._untitled.end(self._columns)
        if self._naming:
            self._end(self._naming)
        self._report.notices = list(self.feed.notices)
        return self._report

    def _write_all(self) -> None:
        """While a batch is written, the photos of the next one are stored."""
        ahead = self._photos.begin(())
        for rows in self._batches():
            begun = self._photos.begin(rows)
            self._write_begun(ahead)
            ahead = begun
            self._unwritten = {row.sku for row in rows}
        self._write_begun(ahead)

    def _write_begun(self, begun: Begun) -> None:
        if begun.rows:
            self._report.rows += len(begun.rows)
            self._write(self._photos.candidates(begun))
            self.advance(self._report)

    @property
    def _source(self) -> Source | None:
        return None if self._naming is None else self._naming.source

    def _end(self, naming: Naming) -> None:
        """Hide what the feed names no more, if that is asked for."""
        try:
            self._report.hidden = retried(lambda: naming.end(unpublish=self.unpublish_missing, force=self.force))
            self._report.whole = not naming.cut_off
        except NothingHidden as error:
            self._problem(0, "the feed", str(error))

    def _evidence(self) -> Evidence:
        """What all prices of the feed say of points and commas: read once more, and nothing of it kept but counts."""
        rows = (row for row in self._mapped(self.feed.again(), Notices()) if isinstance(row, FeedRow))
        return survey(text for row in rows for text in price_texts(row))

    def _mapped(self, rows: Iterator[FeedRow | BadRow], notices: Notices) -> Iterator[FeedRow | BadRow]:
        return mapped(rows, Context(self.feed.again, notices, self.currency), self.mapping)

    def _rows(self) -> Iterator[FeedRow | BadRow]:
        return with_known_columns(self._mapped(noting_names(self.feed.rows, self._columns), self.feed.notices))

    def _batches(self) -> Iterator[list[ProductRow]]:
        """Rows of different ids; an empty batch has the one before written."""
        batch: dict[str, ProductRow] = {}
        photos = 0
        for row in self._product_rows():
            if row.sku in batch or row.sku in self._unwritten:
                yield from (list(batch.values()), [])  # only writing it shows whether the first row of an id was good
                batch, photos = {}, 0
            if (line := self._lines.get(_LINE, row.sku)) is not None:
                self._problem(row.line, row.place, f"id {row.sku} was in line {line} already; the first one counts")
                self._report.rows += 1
                continue
            batch[row.sku] = row
            photos += len(row.photos or ())
            if len(batch) >= BATCH_ROWS or photos >= BATCH_PHOTOS:
                yield list(batch.values())
                batch, photos = {}, 0
        if batch:
            yield list(batch.values())

    def _product_rows(self) -> Iterator[ProductRow]:
        for raw in self._rows():
            if isinstance(raw, BadRow):
                self._report.rows += 1
                self._unread(raw.place, raw.id, cut_off=raw.cut_off)
                self._problem(raw.line, raw.place, raw.reason)
                continue
            try:
                row = read_columns(raw, self._prices)
            except RowError as error:
                self._report.rows += 1
                if error.product_unknown:
                    self._unread(raw.place)
                self._problem(raw.line, raw.place, str(error))
                continue
            yield row
            for problem in row.problems:
                self._problem(raw.line, raw.place, problem)
            for what, example in row.noticed:
                self.feed.notices.decided(what, example)

    def _unread(self, place: str, sku: str = "", *, cut_off: bool = False) -> None:
        if self._naming:
            retried(partial(self._naming.unread, place, sku, cut_off=cut_off))

    def _write(self, batch: list[Candidate]) -> None:
        """A row that the database refuses, or of which storage fails, is reported alone; the others of its batch go in."""
        try:
            outcome = self._written(batch)
            self._report.changes += outcome.changes
            untitled = {row.sku for row in outcome.untitled}
            taken = [candidate.row for candidate in batch if candidate.row.sku not in untitled]
            if taken:
                self._untitled.taken()
            for row in outcome.untitled:
                self._untitled.add(row)
            for row in taken:
                self._lines.put(_LINE, row.sku, row.line)
        except (DataError, IntegrityError, StorageUnavailable) as error:
            if len(batch) > 1:
                for candidate in batch:
                    self._write([candidate])
            else:
                row = batch[0].row
                if self._naming:
                    retried(partial(self._naming.refused, row.sku))
                refuses = "" if isinstance(error, StorageUnavailable) else "the database refuses it: "
                self._problem(row.line, row.place, refuses + str(error).splitlines()[0])

    def _written(self, batch: list[Candidate]) -> Outcome:
        if self.dry_run:
            outcome = retried(lambda: would_change(batch, self._tree, self._source))
            if self._naming:
                retried(partial(self._naming.count, outcome.products))
            self.compare(outcome.planned)
            return outcome
        sweeps = 0
        while True:
            try:
                return retried(partial(self._write_once, batch), self._forget_categories)
            except PhotosSwept as swept:
                sweeps += 1
                batch = [self._photos.again(candidate, swept.names, give_up=sweeps >= WRITES) for candidate in batch]

    def _write_once(self, batch: list[Candidate]) -> Outcome:
        return write(batch, self._tree, self._source, self.refetch)

    def _forget_categories(self) -> None:
        """Read the categories anew: those that a failed transaction had made are not there."""
        self._tree = CategoryTree()

    def _problem(self, line: int, place: str, reason: str, rows: int = 1) -> None:
        """`rows`: how many rows it is told of."""
        problem = Problem(line, place, reason)
        self._report.problem_count += rows
        if len(self._report.problems) < KEPT_PROBLEMS:
            self._report.problems.append(problem)
        self.tell(problem)
