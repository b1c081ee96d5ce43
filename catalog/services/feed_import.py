"""Import a feed: in batches, each in a transaction of its own, however long the feed is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import DataError, IntegrityError

from catalog.feeds.columns import ProductRow, RowError, is_url, read_columns
from catalog.feeds.photo_files import PhotoReferenceError, read_photo_file
from catalog.feeds.reading import Feed
from catalog.feeds.rows import BadRow
from catalog.models import ProductImage
from catalog.photo_reading import PhotoError
from catalog.services import photos
from catalog.services.categories import CategoryTree
from catalog.services.feed_changes import Candidate, Changes, PhotoReference, PhotosSwept, would_change, write

BATCH_ROWS = 100
BATCH_PHOTOS = 200
KEPT_PROBLEMS = 1000


@dataclass(frozen=True)
class Problem:
    """A row or photo that did not go in. `place` is "line 7", or a path in a folder tree."""

    line: int
    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}".encode("utf-8", "backslashreplace").decode()


@dataclass
class Report:
    """What an import did, or in a dry run would do. `problems` holds the first ones, `problem_count` counts all."""

    dry_run: bool
    rows: int = 0
    changes: Changes = field(default_factory=Changes)
    problem_count: int = 0
    problems: list[Problem] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        counts = {"dry_run": self.dry_run, "rows": self.rows, **asdict(self.changes)}
        return counts | {"problem_count": self.problem_count, "problems": [asdict(item) for item in self.problems]}


@dataclass
class FeedImport:
    """One run over one feed. `tell` gets every problem as it is found, `advance` is called after every batch."""

    feed: Feed
    dry_run: bool = False
    tell: Callable[[Problem], None] = lambda _: None
    advance: Callable[[Report], None] = lambda _: None

    def run(self) -> Report:
        """Raises FeedError where the feed cannot be read at all."""
        self._report = Report(self.dry_run)
        self._tree = CategoryTree()
        self._lines: dict[str, str] = {}
        for batch in self._batches():
            self._write(batch)
            self.advance(self._report)
        return self._report

    def _batches(self) -> Iterator[list[Candidate]]:
        batch: list[Candidate] = []
        named = 0
        for row in self._product_rows():
            candidate = self._candidate(row)
            batch.append(candidate)
            named += len(candidate.photos or ())
            if len(batch) >= BATCH_ROWS or named >= BATCH_PHOTOS:
                yield batch
                batch, named = [], 0
        if batch:
            yield batch

    def _product_rows(self) -> Iterator[ProductRow]:
        for raw in self.feed.rows:
            self._report.rows += 1
            if isinstance(raw, BadRow):
                self._problem(raw.line, raw.place, raw.reason)
                continue
            try:
                row = read_columns(raw)
            except RowError as error:
                self._problem(raw.line, raw.place, str(error))
                continue
            first = self._lines.setdefault(row.sku, row.place)
            if first != row.place:
                self._problem(row.line, row.place, f"id {row.sku} was in {first} already; the first one counts")
                continue
            yield row

    def _candidate(self, row: ProductRow) -> Candidate:
        """Photos are read, judged by their header and stored here, one at a time, outside of any transaction."""
        if row.photos is None:
            return Candidate(row, None, complete=False)
        references: list[PhotoReference] = []
        complete = True
        for text in row.photos:
            if is_url(text):
                references.append(PhotoReference(text, None))
                continue
            try:
                references.append(PhotoReference("", self._kept(text), text))
            except (PhotoReferenceError, PhotoError) as error:
                complete = False
                reason = f"{text}: {error}" if isinstance(error, PhotoError) else str(error)
                self._problem(row.line, row.place, reason)
        return Candidate(row, references, complete)

    def _kept(self, reference: str, *, again: bool = False) -> photos.KeptPhoto:
        data = read_photo_file(self.feed.root, reference)
        described = photos.describe(data)
        if again or not (self.dry_run or ProductImage.objects.filter(digest=described.digest).exists()):
            photos.keep(data, described)
        return described

    def _write(self, batch: list[Candidate]) -> None:
        """A row that the database refuses is reported alone; the others of its batch go in."""
        if self.dry_run:
            self._report.changes += would_change(batch, self._tree)
            return
        try:
            self._report.changes += self._written(batch)
        except (DataError, IntegrityError) as error:
            if len(batch) > 1:
                for candidate in batch:
                    self._write([candidate])
            else:
                row = batch[0].row
                self._problem(row.line, row.place, f"the database refuses it: {str(error).splitlines()[0]}")

    def _written(self, batch: list[Candidate]) -> Changes:
        while True:
            try:
                return write(batch, self._tree)
            except PhotosSwept as swept:
                for path in swept.paths:
                    self._kept(path, again=True)

    def _problem(self, line: int, place: str, reason: str) -> None:
        problem = Problem(line, place, reason)
        self._report.problem_count += 1
        if len(self._report.problems) < KEPT_PROBLEMS:
            self._report.problems.append(problem)
        self.tell(problem)
