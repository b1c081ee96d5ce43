"""Asks the servers of photos given by URL whether there is a new photo: politely, in short slices, by a worker.

An import marks the photos that it names (`mark`). A slice (`ask_again`) claims marked ones in batches; a claim is a moment in
`due_at`, so that those of a process that died are due again by themselves.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import connection
from django.utils import timezone

from catalog.locks import Lock, release, try_for_session
from catalog.models import ProductImage
from catalog.photos.fetch import Fetched, FetchFailed, FetchRefused, fetch_validated
from catalog.photos.fetched import replace_fetched
from catalog.photos.reading import PhotoError
from catalog.photos.storage_errors import StorageUnavailable
from catalog.photos.validators import NOTHING, Validators

BATCH = 100
SECONDS = 5.0  # a slice ends after so long, and the requests that are under way by then; the next one goes on
AT_ONCE = 8  # requests
OF_A_HOST = 2  # of those, to one host
# A host that failed so often in a slice is left alone for so long.
FAILURES, PAUSE = 3, timedelta(minutes=10)
# What a process has claimed is due again after so long: far longer than a slice can take.
CLAIMED = timedelta(minutes=10)

_MARK = """
INSERT INTO catalog_photoorigin AS o (image_id, due_at, whole)
SELECT id, now(), %(whole)s FROM unnest(%(ids)s::bigint[]) AS id ORDER BY id
ON CONFLICT (image_id) DO UPDATE SET due_at = least(o.due_at, excluded.due_at), whole = o.whole OR excluded.whole
"""
_CLAIM = f"""
WITH due AS MATERIALIZED (
    SELECT image_id FROM catalog_photoorigin WHERE due_at <= now() ORDER BY due_at LIMIT {BATCH} FOR UPDATE SKIP LOCKED
)
UPDATE catalog_photoorigin o SET due_at = %(claimed)s
FROM due JOIN catalog_productimage i ON i.id = due.image_id WHERE o.image_id = due.image_id
RETURNING i.id, i.product_id, i.source_url, o.etag, o.last_modified, o.length, o.whole
"""  # noqa: S608 (a number of this module)
# Only what is still claimed: an import may have marked the photo again meanwhile.
_DONE = """
UPDATE catalog_photoorigin SET due_at = NULL, whole = false WHERE image_id = %(id)s AND due_at = %(claimed)s
"""
_LATER = """
UPDATE catalog_photoorigin SET due_at = %(later)s WHERE image_id = %(id)s AND due_at = %(claimed)s
"""

Fetch = Callable[[str, Validators], Fetched | None]
logger = logging.getLogger(__name__)


@dataclass
class Asked:
    """What a slice found: photos unchanged, replaced, and those that could not be had, whose old photo stays."""

    unchanged: int = 0
    replaced: int = 0
    failed: int = 0


@dataclass(frozen=True)
class _Due:
    image: ProductImage
    known: Validators

    @property
    def host(self) -> str:
        return urlsplit(self.image.source_url).netloc


@dataclass
class _Slice:
    """One slice and its batch. `failures`: by host."""

    fetch: Fetch
    ends: float
    asked: Asked = field(default_factory=Asked)
    failures: Counter[str] = field(default_factory=Counter)
    claimed: datetime = field(default_factory=timezone.now)

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.ends

    def batch(self) -> bool:
        """Ask for a batch; False when nothing is due."""
        self.claimed = timezone.now() + CLAIMED
        waiting = _claim(self.claimed)
        if not waiting:
            return False
        running: dict[Future[Fetched | None], _Due] = {}
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="asking") as pool:
            while waiting or running:
                waiting = list(self._not_postponed(waiting))
                for due in _next(waiting, running.values()):
                    waiting.remove(due)
                    running[pool.submit(self.fetch, due.image.source_url, due.known)] = due
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    self._settle(running.pop(done), done)
        return True

    def _not_postponed(self, waiting: Iterable[_Due]) -> Iterator[_Due]:
        """Those that may still be asked for in this slice. The others go back: due at once, or when their host has rested."""
        for due in waiting:
            if self.failures[due.host] >= FAILURES:
                self._put_back(due, timezone.now() + PAUSE)
            elif self.is_over:
                self._put_back(due, timezone.now())
            else:
                yield due

    def _settle(self, due: _Due, done: Future[Fetched | None]) -> None:
        try:
            fetched = done.result()
            if fetched is not None and replace_fetched(due.image, fetched):
                self.asked.replaced += 1
            else:
                self.asked.unchanged += 1
        except (FetchRefused, FetchFailed, PhotoError) as error:
            self.asked.failed += 1
            self.failures[due.host] += isinstance(error, FetchFailed)
            logger.warning("%s: the photo of before stays: %s", due.image.source_url, error)
        except StorageUnavailable as error:
            self.ends = time.monotonic()  # nothing that is fetched can be kept
            logger.warning("%s: %s", due.image.source_url, error)
            self._put_back(due, timezone.now() + PAUSE)
            return
        _run(_DONE, id=due.image.pk, claimed=self.claimed)

    def _put_back(self, due: _Due, moment: datetime) -> None:
        _run(_LATER, id=due.image.pk, claimed=self.claimed, later=moment)


def mark(image_ids: Iterable[int], *, whole: bool = False) -> None:
    """Have the servers of these photos asked, `whole`: for the whole photo, whatever they said before of it."""
    if ids := list(image_ids):
        _run(_MARK, ids=ids, whole=whole)


def ask_again(*, seconds: float = SECONDS, fetch: Fetch = fetch_validated) -> Asked:
    """Ask for marked photos and store those that are new, until none is due or time is over. One process does so at a time."""
    work = _Slice(fetch, time.monotonic() + seconds)
    if not try_for_session(Lock.PHOTOS_ASKED_AGAIN):
        return work.asked
    try:
        while not work.is_over and work.batch():
            pass
    finally:
        release(Lock.PHOTOS_ASKED_AGAIN)
    return work.asked


def _claim(until: datetime) -> list[_Due]:
    """The photos that are due, claimed until a moment."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"claimed": until})
        return [
            _Due(
                ProductImage(pk=image_id, product_id=product_id, source_url=url),
                NOTHING if whole else Validators(etag, last_modified, length),
            )
            for image_id, product_id, url, etag, last_modified, length, whole in cursor.fetchall()
        ]


def _next(waiting: Iterable[_Due], running: Iterable[_Due]) -> list[_Due]:
    """Those to ask for beside those that are under way."""
    hosts = Counter(due.host for due in running)
    chosen: list[_Due] = []
    for due in waiting:
        if hosts.total() >= AT_ONCE:
            break
        if hosts[due.host] < OF_A_HOST:
            hosts[due.host] += 1
            chosen.append(due)
    return chosen


def _run(statement: str, **values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
