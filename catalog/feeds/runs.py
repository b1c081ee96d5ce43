"""Run feeds: those that are due, by the workers, and any by the command; each run keeps a report."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings

from catalog.feeds import leases
from catalog.feeds.importing import FeedImport
from catalog.feeds.leases import FeedLease, LeaseLost
from catalog.feeds.mapping.files import parse_mapping
from catalog.feeds.reading import Feed as OpenFeed
from catalog.feeds.reading import open_feed
from catalog.feeds.report import Report
from catalog.feeds.rows import FeedError
from catalog.feeds.sources import SourceError
from catalog.locks import Lock, place_of_machine
from catalog.models import Feed, FeedRun
from catalog.photos.fetch import PhotoFetcher
from catalog.texts import printable

# Progress is written at most so often.
PROGRESS_SECONDS = 1.0
# Characters of a problem's place and reason that a run keeps, so that a report of 1,000 problems stays below some 600 kB.
_KEPT_PLACE, _KEPT_REASON = 200, 400

logger = logging.getLogger(__name__)


class RunStopped(Exception):
    """The process that reads a feed was asked to end."""


@dataclass
class Recorder:
    """Notes in the feed's run what an import has done so far, and ends the import where it is not to go on."""

    lease: FeedLease
    stop: Callable[[], bool] = lambda: False
    _report: Report | None = None
    _written: float = field(default_factory=time.monotonic)

    def advance(self, report: Report, feed: OpenFeed) -> None:
        """To be called after every batch. Raises RunStopped, LeaseLost."""
        self._report = report
        if self.stop():
            raise RunStopped
        if time.monotonic() - self._written >= PROGRESS_SECONDS:
            self._written = time.monotonic()
            self.lease.renew(**_counts(report), position=feed.position, size=feed.size)

    def done(self, report: Report) -> None:
        """The import came to its end."""
        self._report = report
        self.lease.end(FeedRun.State.ENDED, whole=report.whole, **_as_columns(report))

    def broke_off(self, state: FeedRun.State, error: str = "") -> None:
        """The import did not come to its end."""
        kept = _as_columns(self._report) if self._report else {}
        self.lease.end(state, error=printable(error), **kept)


@contextmanager
def recorded(lease: FeedLease, stop: Callable[[], bool] = lambda: False) -> Iterator[Recorder]:
    """Within it an import runs, which ends by `done`; however else it ends is noted in its run, and raised."""
    recorder = Recorder(lease, stop)
    try:
        yield recorder
    except LeaseLost:
        raise
    except (RunStopped, KeyboardInterrupt, SystemExit):
        recorder.broke_off(FeedRun.State.STOPPED)
        raise
    except (FeedError, SourceError) as error:
        recorder.broke_off(FeedRun.State.FAILED, str(error))
        raise
    except BaseException as error:
        recorder.broke_off(FeedRun.State.FAILED, f"{type(error).__name__}: {error}; the worker's log has more")
        raise
    finally:
        lease.release()


def run_next(*, stop: Callable[[], bool] = lambda: False, fetcher: PhotoFetcher | None = None) -> bool:
    """Read the feed that is due for longest; False where there is none, or none that may be read now.

    On one machine one feed fewer is read at once than its workers have processes (WORKER_PROCESSES), but at least one, so
    that a process remains for photos. `stop` is asked after every batch. `fetcher` is for feeds behind URLs.
    """
    with place_of_machine(Lock.FEEDS_READ, max(1, settings.CELERY_WORKER_CONCURRENCY - 1)) as free:
        lease = leases.claim_due() if free else None
        if lease is None:
            return False
        logger.info("feed %s: begun", lease.feed)
        try:
            with recorded(lease, stop) as recorder, opened_feed(lease.feed, fetcher) as opened:
                report = _import(lease, opened, recorder)
                recorder.done(report)
        except (FeedError, SourceError, LeaseLost) as error:
            logger.warning("feed %s: %s", lease.feed, error)
        except RunStopped:
            logger.info("feed %s: stopped; another worker reads it from its beginning", lease.feed)
            return False
        else:
            logger.info("feed %s: %d rows, %d problems", lease.feed, report.rows, report.problem_count)
        return True


def _import(lease: FeedLease, opened: OpenFeed, recorder: Recorder) -> Report:
    feed = lease.feed
    return FeedImport(
        opened,
        currency=feed.currency,
        mapping=parse_mapping(feed.mapping) if feed.mapping.strip() else None,
        source=feed.name,
        unpublish_missing=feed.unpublish_missing,
        force=bool(lease.run.forced_by),
        advance=lambda report: recorder.advance(report, opened),
    ).run()


@contextmanager
def opened_feed(feed: Feed, fetcher: PhotoFetcher | None) -> Iterator[OpenFeed]:
    """A feed's URL or uploaded file, open to be read. Raises FeedError. `fetcher` is for feeds behind URLs."""
    if feed.url:
        with open_feed(feed.url, fetcher) as opened:
            yield opened
        return
    if not feed.upload:
        raise FeedError("the feed has neither a URL nor a file; give it one")
    with tempfile.TemporaryDirectory(prefix="feed-") as folder:
        copy = Path(folder) / PurePosixPath(str(feed.upload.name)).name
        try:
            with feed.upload.open("rb") as stored, copy.open("wb") as file:
                shutil.copyfileobj(stored, file)
        except OSError as error:
            raise FeedError(f"the uploaded file cannot be read from storage ({error}); upload it again") from error
        with open_feed(copy) as opened:
            yield opened


def _counts(report: Report) -> dict[str, int]:
    counts = {"rows": report.rows, **asdict(report.changes)}
    return counts | {"hidden": report.hidden, "problem_count": report.problem_count}


def _as_columns(report: Report) -> dict[str, Any]:
    return _counts(report) | {
        "problems": [
            [problem.line, printable(problem.place)[:_KEPT_PLACE], printable(problem.reason)[:_KEPT_REASON]]
            for problem in report.problems
        ],
        "notices": [printable(str(notice)) for notice in report.notices],
    }
