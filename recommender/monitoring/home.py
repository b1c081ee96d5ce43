"""What wants a person today: the figures of the admin's first page, at a bounded cost whatever the size of the shop."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Subquery

from catalog.feeds.schedule import overdue
from catalog.models import Feed, FeedRun
from recommender.models import DailySample
from recommender.monitoring.daily import products_without_photo
from recommender.monitoring.status import rest, status
from recommender.pause import Pause
from recommender.pipeline.queue_status import queue_status

DAYS = 30  # of a line
_FEEDS = 8
# What takes a scan of the products is kept twenty times as long as it took: at most 5 % of a core.
_KEPT_FOR_ITS_COST = 20.0

_rest = Pause()
_lock = threading.Lock()
_without_photo = 0


@dataclass(frozen=True)
class FeedLine:
    """A feed and its last run; `state` is a value of FeedRun.State, "" of a feed that was never read."""

    id: int
    name: str
    run: int | None
    state: str
    began_at: datetime | None
    problems: int
    is_overdue: bool


@dataclass(frozen=True)
class Figures:
    """`failed`: photos by reason. `recall`: the newest measurements, oldest first, and None in a shop without any; `worst`: the
    share of searches that found fewer than half. `samples`: of the last DAYS days, oldest first."""

    pending: int
    failed: Mapping[str, int]
    without_photo: int
    placeholders: int
    nothing_else: int
    feeds: Sequence[FeedLine]
    recall: Sequence[float]
    worst: float | None
    worst_queries: int
    samples: Sequence[DailySample]

    @property
    def latest(self) -> DailySample | None:
        return self.samples[-1] if self.samples else None


def figures(*, fresh: bool = False) -> Figures:
    """Counts as old as their cost allows: seconds in a large shop; `fresh` counts now."""
    if fresh:
        _rest.begin(0)
        rest.begin(0)
    queue, counted = queue_status(fresh=fresh), status()
    recall: dict[str, Any] = counted["recall"]
    return Figures(
        pending=queue["pending"] + queue["processing"],
        failed=queue["failed_by_reason"],
        without_photo=_products_without_photo(),
        placeholders=counted["placeholders"]["pictures"],
        nothing_else=counted["placeholders"]["products_with_nothing_else"],
        feeds=_feeds(),
        recall=[one["recall"] for one in reversed(recall["series"]) if one["recall"] is not None],
        worst=recall["worst_share"],
        worst_queries=recall["worst_queries"],
        samples=list(DailySample.objects.all()[:DAYS])[::-1],
    )


def _products_without_photo() -> int:
    global _without_photo
    with _lock:
        if not _rest.is_on():
            began = time.monotonic()
            _without_photo = products_without_photo()
            _rest.begin(_KEPT_FOR_ITS_COST * (time.monotonic() - began))
        return _without_photo


def _feeds() -> list[FeedLine]:
    """Those that are overdue or whose last run failed first, then those that were read last."""
    newest = FeedRun.objects.filter(feed=OuterRef("pk")).order_by("-id")
    columns = {
        f"run_{name}": Subquery(newest.values(name)[:1]) for name in ("pk", "state", "began_at", "problem_count")
    }
    late = {one.feed for one in overdue()}
    rows: Any = Feed.objects.annotate(**columns).order_by("-read_at", "pk")
    lines = [
        FeedLine(
            id=feed.pk,
            name=feed.name,
            run=feed.run_pk,
            state=feed.run_state or "",
            began_at=feed.run_began_at,
            problems=feed.run_problem_count or 0,
            is_overdue=feed.pk in late,
        )
        for feed in rows
    ]
    return sorted(lines, key=lambda one: not wants_a_person(one))[:_FEEDS]


def wants_a_person(feed: FeedLine) -> bool:
    """Whether a feed was not read when it should have been, or its last run failed."""
    return feed.is_overdue or feed.state == FeedRun.State.FAILED
