"""Counts of photos, of the queue, the active space and its recall; kept for a while, for counting takes time."""

from __future__ import annotations

import threading
import time
from typing import Any

from catalog.feeds.schedule import overdue, scheduled
from catalog.models import FeedRun, ProductImage
from recommender.evaluation import recall
from recommender.index import stored
from recommender.index.types import SpaceGone
from recommender.merchandising.placeholders import products_with_nothing_else
from recommender.models import Placeholder, Space
from recommender.pause import Pause
from recommender.pipeline.queue_status import photos_left, queue_status
from recommender.spaces import active as spaces

# Counts are kept twenty times as long as they took, at least half a second: counting takes at most 5 % of a core.
_KEPT_FOR_ITS_COST = 20.0
_KEPT_AT_LEAST_SECONDS = 0.5

# While it lasts, what was counted last is the answer.
rest = Pause()
_lock = threading.Lock()
_counted: dict[str, Any] = {}


def status() -> dict[str, Any]:
    """The body of `status/`, as it was when the counts were last taken."""
    global _counted
    with _lock:
        if not rest.is_on():
            began = time.monotonic()
            _counted = _count()
            rest.begin(max(_KEPT_AT_LEAST_SECONDS, _KEPT_FOR_ITS_COST * (time.monotonic() - began)))
        return _counted


def _count() -> dict[str, Any]:
    queue = queue_status()
    space = spaces.active_space()
    samples = [] if space is None else recall.series(space)
    worst = recall.WorstShare(None, 0) if space is None else recall.worst_share(space)
    points = [
        {
            "measured_at": sample.measured_at.isoformat(),
            "recall": sample.recall,
            "queries": sample.queries,
            "worst_share": sample.worst_share,
        }
        for sample in samples
    ]
    return {
        "images": {
            "total": ProductImage.objects.count(),
            "embedded": 0 if space is None else photos_in(space),
            **photos_left(0 if space is None else space.encoder_id),
        },
        "placeholders": {
            "pictures": Placeholder.objects.filter(is_placeholder=True).count(),
            "products_with_nothing_else": products_with_nothing_else(),
        },
        "feeds": _feeds(),
        "rate_per_minute": queue["done_last_minute"],
        "oldest_pending_seconds": queue["oldest_pending_seconds"],
        "space": None if space is None else _space(space),
        "encoder": None if space is None else str(space.encoder),
        "recall": {
            "latest": points[0]["recall"] if points else None,
            "measured_at": points[0]["measured_at"] if points else None,
            "worst_share": worst.share,
            "worst_queries": worst.queries,
            "series": points,
        },
    }


def _feeds() -> dict[str, Any]:
    """Feeds are told by number alone: whoever may read this may not see their names, which can be addresses."""
    return {
        "scheduled": scheduled().count(),
        "running": FeedRun.objects.filter(state=FeedRun.State.RUNNING).count(),
        "overdue": [
            {"id": one.feed, "since": one.since.isoformat(), "read_at": one.read_at and one.read_at.isoformat()}
            for one in overdue()
        ],
    }


def photos_in(space: Space) -> int:
    """Photos with a vector in the space; 0 where it was retired meanwhile."""
    try:
        return stored.count(space=space)
    except SpaceGone:
        return 0


def _space(space: Space) -> dict[str, Any]:
    return {
        "name": space.name,
        "projection": space.projection,
        "dimensions": space.dimensions,
        "metric": space.metric,
        "index": space.index,
        "activated_at": None if space.activated_at is None else space.activated_at.isoformat(),
    }
