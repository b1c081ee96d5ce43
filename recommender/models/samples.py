"""What was counted of the shop once a day, for the people who keep it."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class DailySample(models.Model):
    """The figures of one day. Counts are of the whole shop; what searches find is of a random sample of products.

    `asked`: products that were searched by; `unanswered` of them had no answer of a confidence of GOOD
    (recommender.monitoring.daily). `looked_for`: products that were looked for in the answers to searches by what looks like them;
    `unshown` of them are in none. The lists name the first of those.
    """

    day = models.DateField(unique=True)
    taken_at = models.DateTimeField(auto_now_add=True)
    pending = models.PositiveIntegerField(help_text="Photos that waited to be embedded.")
    failed = models.PositiveIntegerField(help_text="Photos that could not be embedded.")
    without_photo = models.PositiveIntegerField(help_text="Published products without a stored photo.")
    placeholders = models.PositiveIntegerField(help_text="Products that show nothing but placeholders.")
    shared_photos = models.PositiveIntegerField(help_text="Photo files of several products that are no variants.")
    feeds_overdue = models.PositiveIntegerField()
    asked = models.PositiveIntegerField()
    unanswered = models.PositiveIntegerField()
    unanswered_products = ArrayField(models.BigIntegerField(), default=list)
    looked_for = models.PositiveIntegerField()
    unshown = models.PositiveIntegerField()
    unshown_products = ArrayField(models.BigIntegerField(), default=list)

    class Meta:
        ordering = ["-day"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"sample of {self.day}"
