"""When feeds are due, and which have not been read to their end for too long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog import announce
from catalog.models import Feed

# A feed is overdue when it was not read to its end for so many of its periods.
_OVERDUE_AFTER_PERIODS = 2
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Overdue:
    """A feed that was not read to its end for twice its period. `since`: when it last was, or when it got its schedule."""

    feed: int
    name: str
    since: datetime
    read_at: datetime | None


def period(feed: Feed) -> timedelta | None:
    """How often a feed is to be read; None: by hand alone."""
    if feed.schedule == Feed.Schedule.DAILY:
        return _DAY
    if feed.schedule == Feed.Schedule.HOURS:
        return timedelta(hours=feed.every or 0)
    if feed.schedule == Feed.Schedule.MINUTES:
        return timedelta(minutes=feed.every or 0)
    return None


def next_due(feed: Feed, begun: datetime) -> datetime | None:
    """When a feed is due after a run that began at a moment; None where it is read by hand alone."""
    if feed.schedule == Feed.Schedule.DAILY and feed.at is not None:
        local = timezone.localtime(begun)
        due = local.replace(hour=feed.at.hour, minute=feed.at.minute, second=feed.at.second, microsecond=0)
        return due if due > local else due + _DAY
    every = period(feed)
    return None if every is None else begun + every


def in_words(feed: Feed) -> str:
    """The schedule as a person says it: "every 15 minutes", "daily at 03:30 UTC"."""
    if feed.schedule == Feed.Schedule.DAILY and feed.at is not None:
        return f"daily at {feed.at:%H:%M} {timezone.get_current_timezone_name()}"
    if feed.schedule in (Feed.Schedule.MINUTES, Feed.Schedule.HOURS):
        return f"every {feed.every} {feed.schedule}"
    return "by hand"


def overdue_since(feed: Feed, now: datetime) -> datetime | None:
    """Since when a feed was not read to its end, where that is longer than twice its period; else None."""
    every = period(feed)
    # After a change of the schedule a feed has the whole time of the new one.
    since = max(moment for moment in (feed.read_at, feed.scheduled_at, feed.created_at) if moment is not None)
    return since if every is not None and now - since > _OVERDUE_AFTER_PERIODS * every else None


def overdue(now: datetime | None = None) -> list[Overdue]:
    """The feeds with a schedule that were not read to their end for twice their period, longest first."""
    now = now or timezone.now()
    late = ((feed, overdue_since(feed, now)) for feed in scheduled())
    found = [Overdue(feed.pk, feed.name, since, feed.read_at) for feed, since in late if since is not None]
    return sorted(found, key=lambda one: one.since)


def scheduled() -> QuerySet[Feed]:
    """The feeds that run by themselves."""
    return Feed.objects.exclude(schedule=Feed.Schedule.BY_HAND)


def reschedule(feed: Feed, now: datetime) -> None:
    """Set when a feed is due by a schedule that is new: at once, or at its time of the day. It is not saved here."""
    feed.scheduled_at = now
    feed.due_at = now if feed.every else next_due(feed, now)


def ask_for(feeds: QuerySet[Feed], now: datetime, *, forced_by: str = "") -> int:
    """Have feeds read at once, also those that are being read now; how many have a URL or a file.

    `forced_by`: who wants what is missing hidden, however much of it there is.
    """
    asked = {"due_at": now, "forced_by": forced_by} if forced_by else {"due_at": now}
    with transaction.atomic():
        count = feeds.exclude(url="", upload="").update(**asked)
        if count:
            announce.feeds_due()
    return count
