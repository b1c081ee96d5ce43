"""Errands: long work that a person asks for on a page, and that a worker does."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models


class Errand(models.Model):
    """One piece of work, how far it is, and at its end what came of it.

    `kind`: which function does it (catalog.errands.registry); `about`: the row that it is of, such as a feed's id, in text.
    `stage`, `done`, `total`: its progress, as the page shows it. `lease`: the number by which others see that the process
    that does it lives; `tries`: how many processes have begun it.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "waiting for a worker"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    kind = models.CharField(max_length=40)
    about = models.CharField(max_length=200, blank=True)
    options = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    stage = models.CharField(max_length=200, blank=True)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    result = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    error = models.TextField(blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    lease = models.BigIntegerField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        indexes = [models.Index(fields=["kind", "about", "-id"], name="errand_by_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.about}".strip()

    @property
    def is_over(self) -> bool:
        return self.state in (self.State.DONE, self.State.FAILED)

    @property
    def share(self) -> int:
        """Of its present stage, in per cent."""
        return round(100 * min(self.done, self.total) / self.total) if self.total else 0
