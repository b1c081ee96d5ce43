"""Leases of feeds: one process at a time reads a feed, and others see that it is gone.

A lease is a random number that stands in the feed's row, and of which the database session of its holder holds the advisory
lock. A process that dies, on whatever machine, loses its session and with it the lock, so its lease is known to be dead at
once. `leased_until` is for a process that hangs: every step of an import puts it off.
"""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from catalog.feeds.schedule import next_due
from catalog.feeds.sources import check_name
from catalog.locks import hold_session_number, release_session_number, session_numbers
from catalog.models import Feed, FeedRun

# A feed that took so many processes with it, one after the other, waits for its next time.
MOST_BROKEN = 3
KEPT_RUNS = 50
# How long a command waits for a feed that another process has, and how often it asks.
PATIENCE_SECONDS, PAUSE_SECONDS = 2.0, 0.1

logger = logging.getLogger(__name__)


class FeedBusy(Exception):
    """Another import reads the feed at this moment."""


class LeaseLost(Exception):
    """The lease was taken over, or the feed was deleted: what is left of this import is not to be done."""


@dataclass
class FeedLease:
    """The right to read one feed, and the run that tells of it. Belongs to the thread that took it."""

    feed: Feed
    run: FeedRun
    number: int
    session: object

    def renew(self, **progress: int) -> None:
        """Put the lease off, and note how far the run is. Raises LeaseLost.

        Where Postgres is away, the next call does it: an import waits for Postgres by itself.
        """
        try:
            if connection.connection is not self.session:
                connection.ensure_connection()
                hold_session_number(self.number)
                self.session = connection.connection
            with transaction.atomic():
                self._still_held(leased_until=_until(settings.FEED_LEASE_SECONDS))
                FeedRun.objects.filter(pk=self.run.pk).update(**progress)
        except (OperationalError, InterfaceError) as error:
            logger.warning("the lease of feed %s was not renewed: %s", self.feed, error)
            connection.close_if_unusable_or_obsolete()

    def end(self, state: FeedRun.State, *, whole: bool = False, **report: Any) -> None:
        """End the run with its report, and give the feed back. Raises LeaseLost.

        A feed that was stopped is due again; one that somebody asked for meanwhile is, too.
        """
        now = timezone.now()
        with transaction.atomic():
            feed = Feed.objects.select_for_update().filter(pk=self.feed.pk, lease=self.number).first()
            if feed is None:
                raise LeaseLost(f"feed {self.feed} was taken over or deleted")
            feed.lease = feed.leased_until = None
            if whole:
                feed.read_at = now
            if state != FeedRun.State.STOPPED and not _asked_since(feed, self.run):
                feed.forced_by = ""
            if state != FeedRun.State.STOPPED and feed.due_at is not None and not _asked_since(feed, self.run):
                feed.due_at = next_due(feed, self.run.began_at)
            feed.save(update_fields=["lease", "leased_until", "read_at", "due_at", "forced_by"])
            FeedRun.objects.filter(pk=self.run.pk).update(state=state, whole=whole, ended_at=now, **report)
            newest = FeedRun.objects.filter(feed=feed).order_by("-id").values("pk")[:KEPT_RUNS]
            FeedRun.objects.filter(feed=feed).exclude(pk__in=newest).delete()

    def release(self) -> None:
        """Let go of the lock by which others see that the holder lives."""
        if connection.connection is self.session and connection.is_usable():
            release_session_number(self.number)

    def _still_held(self, **values: object) -> None:
        if not Feed.objects.filter(pk=self.feed.pk, lease=self.number).update(**values):
            raise LeaseLost(f"feed {self.feed} was taken over or deleted")


def claim_due() -> FeedLease | None:
    """Take the feed that is due for longest and that nobody reads; None when there is none.

    Leases of processes that are gone end here. Claims do not wait for each other: feeds that another claim is about to take
    are passed over.
    """
    with transaction.atomic():
        now = timezone.now()
        concerned = Feed.objects.select_for_update(skip_locked=True).filter(Q(due_at__lte=now) | Q(lease__isnull=False))
        feeds = list(concerned.order_by("due_at", "pk"))
        # Asked when the rows are locked: who wrote a lease there held its number before.
        alive = session_numbers() if feeds else set()
        for feed in feeds:
            if _is_held(feed, alive, now):
                continue
            if feed.lease is not None:
                _end_lease_of_the_dead(feed, now)
            if feed.due_at is not None and feed.due_at <= now:
                return _take(feed, now, feed.forced_by)
    return None


def claim(name: str, *, forced_by: str = "") -> FeedLease:
    """Take the feed of a name, which is made if there is none. Raises FeedBusy, SourceError.

    `forced_by`: who wants this run to hide what is missing, however much that is.

    Where a process that was killed a moment ago had it, Postgres may take a moment to end that session: it is waited for.
    """
    check_name(name)
    patient_until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return _claim_now(name, forced_by)
        except FeedBusy:
            if time.monotonic() >= patient_until:
                raise
        time.sleep(PAUSE_SECONDS)


def _claim_now(name: str, forced_by: str) -> FeedLease:
    with transaction.atomic():
        Feed.objects.get_or_create(name=name)
        feed = Feed.objects.select_for_update().get(name=name)
        now = timezone.now()
        if _is_held(feed, session_numbers(), now):
            began = FeedRun.objects.filter(feed=feed, state=FeedRun.State.RUNNING).values_list("began_at", flat=True)
            since = "".join(f" since {moment:%H:%M:%S} UTC" for moment in began)
            raise FeedBusy(f"another import reads the feed {name}{since}; wait for its end, then import again")
        return _take(feed, now, forced_by)


def _is_held(feed: Feed, alive: set[int], now: datetime) -> bool:
    return feed.lease in alive and feed.leased_until is not None and feed.leased_until > now


def _end_lease_of_the_dead(feed: Feed, now: datetime) -> None:
    """A feed whose last runs all broke off waits for its next time."""
    _break_off(feed, now)
    feed.lease = feed.leased_until = None
    states = FeedRun.objects.filter(feed=feed).order_by("-id").values_list("state", flat=True)[:MOST_BROKEN]
    if list(states) == [FeedRun.State.BROKEN] * MOST_BROKEN:
        feed.due_at = next_due(feed, now)
        logger.warning("feed %s: %d runs broke off in succession; it waits for its next time", feed, MOST_BROKEN)
    feed.save(update_fields=["lease", "leased_until", "due_at"])


def _break_off(feed: Feed, now: datetime) -> None:
    FeedRun.objects.filter(feed=feed, state=FeedRun.State.RUNNING).update(state=FeedRun.State.BROKEN, ended_at=now)


def _asked_since(feed: Feed, run: FeedRun) -> bool:
    """Whether somebody asked for the feed while it was read."""
    return feed.due_at is not None and feed.due_at > run.began_at


def _take(feed: Feed, now: datetime, forced_by: str) -> FeedLease:
    _break_off(feed, now)
    number = secrets.randbits(63)
    hold_session_number(number)
    feed.lease = number
    feed.leased_until = _until(settings.FEED_FETCH_SECONDS + settings.FEED_LEASE_SECONDS)
    feed.save(update_fields=["lease", "leased_until"])
    return FeedLease(
        feed, FeedRun.objects.create(feed=feed, began_at=now, forced_by=forced_by), number, connection.connection
    )


def _until(seconds: float) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)
