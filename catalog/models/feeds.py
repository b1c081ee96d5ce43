"""Feeds, their runs, and the products that they name."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from catalog.edit_history import EditHistory
from catalog.models.products import Product
from catalog.storage_names import feed_name


class Feed(models.Model):
    """A named source of products. A product belongs to the feeds that name it (FeedProduct).

    `runs`: how many imports of it were begun, which numbers them. `last_whole`: the number of the last one that was read to
    its end: a product that was named in none since then is named by this feed no more.

    One with a URL or an uploaded file is read by the workers, when it is due (`due_at`). Whoever reads it, a worker or the
    command, holds its lease (catalog.feeds.leases).
    """

    class Schedule(models.TextChoices):
        BY_HAND = "hand", "by hand"
        MINUTES = "minutes", "every so many minutes"
        HOURS = "hours", "every so many hours"
        DAILY = "daily", "daily at a time"

    name = models.CharField(max_length=500, unique=True)
    url = models.CharField("URL", max_length=2000, blank=True, default="", db_default="")
    upload = models.FileField("file", upload_to=feed_name, max_length=255, blank=True, default="", db_default="")
    mapping = models.TextField(blank=True, default="", db_default="")
    currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    schedule = models.CharField(
        max_length=10, choices=Schedule, default=Schedule.BY_HAND, db_default=Schedule.BY_HAND.value
    )
    every = models.PositiveIntegerField(null=True, blank=True)
    at = models.TimeField(null=True, blank=True)
    unpublish_missing = models.BooleanField("hide what is missing", default=False, db_default=False)
    scheduled_at = models.DateTimeField(
        null=True, editable=False, help_text="Since when it has had the schedule that it has."
    )
    due_at = models.DateTimeField("next read", null=True, editable=False)
    forced_by = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Who wants the next run to hide what is missing, however much that is.",
    )
    read_at = models.DateTimeField("last read to its end", null=True, editable=False)
    runs = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    last_whole = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    lease = models.BigIntegerField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    # Not what the workers write: when it is due, who reads it, and what was read.
    edits = EditHistory(
        excluded_fields=[
            "scheduled_at",
            "due_at",
            "forced_by",
            "read_at",
            "runs",
            "last_whole",
            "lease",
            "leased_until",
            "created_at",
        ]
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(url="") | Q(upload=""), name="feed_of_one_source"),
            models.CheckConstraint(
                condition=Q(schedule="hand", every=None, at=None)
                | Q(schedule__in=["minutes", "hours"], every__isnull=False, every__gt=0, at=None)
                | Q(schedule="daily", every=None, at__isnull=False),
                name="feed_schedule_whole",
            ),
        ]

    def __str__(self) -> str:
        return str(self.name)


class FeedRun(models.Model):
    """One reading of a feed: how far it is, and at its end its report.

    `whole`: it was read to its end, and nothing that it asks for was refused. `problems` holds the first ones, each as
    [line, place, reason]; `problem_count` counts all. `position` and `size`: bytes read, of how many (0: unknown). `error`: why
    the feed as a whole could not be read.
    """

    class State(models.TextChoices):
        RUNNING = "running", "running"
        ENDED = "ended", "ended"
        FAILED = "failed", "failed"
        STOPPED = "stopped", "stopped by request"
        BROKEN = "broken", "broken off: its process ended"

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="history")
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    whole = models.BooleanField("read to its end", default=False)
    position = models.PositiveBigIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)
    rows = models.PositiveBigIntegerField(default=0)
    created = models.PositiveBigIntegerField(default=0)
    updated = models.PositiveBigIntegerField(default=0)
    unchanged = models.PositiveBigIntegerField(default=0)
    photos_added = models.PositiveBigIntegerField(default=0)
    photos_removed = models.PositiveBigIntegerField(default=0)
    hidden = models.PositiveBigIntegerField(default=0)
    problem_count = models.PositiveBigIntegerField("problems", default=0)
    problems = models.JSONField(default=list)
    notices = models.JSONField(default=list)
    error = models.TextField(blank=True)
    forced_by = models.CharField(
        "hides however many by order of", max_length=200, blank=True, default="", db_default=""
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["feed"], condition=Q(state="running"), name="one_running_import_a_feed")
        ]

    def __str__(self) -> str:
        return f"{self.feed} at {self.began_at:%Y-%m-%d %H:%M}"


class FeedProduct(models.Model):
    """A product that a feed names or named, and whether the feed says that it is to be hidden (None: it never said).

    `named_in`: the number of the import that named it last. Rows are removed by Postgres with their feed or product.
    """

    pk = models.CompositePrimaryKey("feed_id", "product_id")
    feed = models.ForeignKey(Feed, on_delete=models.DO_NOTHING, related_name="+", db_index=False)
    product = models.ForeignKey(Product, on_delete=models.DO_NOTHING, related_name="+")
    named_in = models.PositiveBigIntegerField()
    off = models.BooleanField(null=True)

    def __str__(self) -> str:
        return f"product {self.product_id} of feed {self.feed_id}"
