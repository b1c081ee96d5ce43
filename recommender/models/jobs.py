"""What is to be embedded: the outbox of the pipeline."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from catalog.models import ProductImage
from recommender.models.encoders import Encoder


class EmbeddingJob(models.Model):
    """The queue of record: one row for each photo and encoder."""

    class State(models.TextChoices):
        PENDING = "pending"
        PROCESSING = "processing"
        DONE = "done"
        FAILED = "failed"

    class Priority(models.IntegerChoices):
        """Lower goes first. Photos that a worker must fetch first have numbers, and leases, of their own."""

        UPLOAD = 0
        UPLOAD_BY_URL = 1, "upload, by URL"
        IMPORT = 10
        IMPORT_BY_URL = 11, "import, by URL"
        REBUILD = 20
        REBUILD_BY_URL = 21, "rebuild, by URL"

    image = models.ForeignKey(ProductImage, on_delete=models.CASCADE, related_name="embedding_jobs")
    encoder = models.ForeignKey(Encoder, on_delete=models.CASCADE, related_name="jobs")
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.UPLOAD)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Begun and not ended, or ended by what may pass.")
    crashes = models.PositiveSmallIntegerField(
        default=0, help_text="Those attempts in which the process died while this photo was begun."
    )
    alone = models.BooleanField(
        default=False, help_text="Claimed by itself: a process died while this photo was begun."
    )
    not_before = models.DateTimeField(
        null=True, blank=True, help_text="Back-off: not claimed while set; the sweep clears it when it is past."
    )
    lease = models.UUIDField(
        null=True, blank=True, help_text="Who holds it; a late result of an older lease is dropped."
    )
    leased_until = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True, help_text="When its photo was begun in this lease.")
    reason = models.CharField(max_length=40, blank=True, help_text="Short code of the failure, for counting.")
    error = models.TextField(blank=True, help_text="The failure in words.")
    queued_at = models.DateTimeField(auto_now_add=True, help_text="When it was asked for, last.")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["image", "encoder"], name="one_job_an_image_and_encoder")]
        indexes = [
            models.Index(
                fields=["priority", "id"],
                name="job_claim_order",
                condition=Q(state="pending", not_before__isnull=True),
            ),
            models.Index(
                fields=["not_before"], name="job_back_off", condition=Q(state="pending", not_before__isnull=False)
            ),
            models.Index(fields=["lease"], name="job_leases", condition=Q(state="processing")),
            models.Index(F("finished_at").desc(), name="job_finished_recently", condition=Q(state="done")),
            models.Index(fields=["reason"], name="job_failures", condition=Q(state="failed")),
            models.Index(fields=["attempts", "crashes"], name="job_attempts", condition=Q(attempts__gt=0)),
        ]

    def __str__(self) -> str:
        return f"job {self.pk}: image {self.image_id}, {self.state}"
