"""Spaces, and what was measured of their live index."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models
from django.db.models import Q

from recommender.models.encoders import Encoder
from recommender.records.calibration import Calibration, read_calibration
from recommender.records.fit import Fit, read_fit, read_parameters
from recommender.records.quality import Quality, read_quality


class Space(models.Model):
    """Encoder + parts + dimensions + metric + index. Exactly one is active; others may be building beside it.

    A vector is its shape part, then its colour part (`colour_dimensions`, 0: none), each of unit length before it is
    multiplied by √(1 − colour_weight) and √colour_weight: a cosine is the weighted sum of the parts' cosines.
    """

    class State(models.TextChoices):
        BUILDING = "building"
        ACTIVE = "active"
        READY = "ready", "ready (complete, not active)"
        RETIRED = "retired"

    class Kind(models.TextChoices):
        NONE = "none"
        BASIS = "basis", "basis (the encoder's own, fitted on nothing)"
        PCA = "pca"
        LEARNED = "learned"

    class Metric(models.TextChoices):
        COSINE = "cosine"
        L2 = "l2"
        INNER_PRODUCT = "ip"
        L1 = "l1"

    class Index(models.TextChoices):
        HNSW = "hnsw"
        IVFFLAT = "ivfflat"
        BINARY = "binary"

    # Kinds that are the same whatever photos there are.
    UNFITTED = (Kind.NONE, Kind.BASIS)

    name = models.SlugField(max_length=100, unique=True)
    encoder = models.ForeignKey(Encoder, on_delete=models.PROTECT, related_name="spaces")
    projection = models.CharField(max_length=10, choices=Kind.choices, help_text="Of the shape part.")
    dimensions = models.PositiveIntegerField(help_text="Of the whole vector, both parts.")
    colour_dimensions = models.PositiveIntegerField(
        default=0, help_text="The last so many are the colour part; 0: none."
    )
    colour_weight = models.FloatField(default=0.0, help_text="Share of the colour part in a score, 0 to 1.")
    automatic = models.BooleanField(
        default=False, help_text="Made without being asked for; a better one may replace it without being asked for."
    )
    metric = models.CharField(max_length=10, choices=Metric.choices, default=Metric.COSINE)
    index = models.CharField(max_length=10, choices=Index.choices, default=Index.HNSW)
    parameters = models.JSONField(default=dict, help_text="m, ef_construction, ef_search, lists, probes, oversample.")
    labels = models.CharField(max_length=500, blank=True, help_text="What a learned projection was fitted on.")
    augment = models.PositiveSmallIntegerField(default=0, help_text="Neighbours in each gallery vector; 0: none.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.BUILDING)
    mean = models.BinaryField(null=True, help_text="float32 (encoder dimensions): subtracted first. Empty: none.")
    matrix = models.BinaryField(
        null=True, help_text="float32 (encoder dimensions × dimensions of the shape part), row-major. Empty: identity."
    )
    colour_mean = models.BinaryField(null=True, help_text="float32 (colour bins). Empty: none.")
    colour_matrix = models.BinaryField(null=True, help_text="float32 (colour bins × colour dimensions), row-major.")
    judged_mean = models.BinaryField(null=True, help_text="The fit on the training side alone, which was judged.")
    judged_matrix = models.BinaryField(null=True)
    judged_colour_mean = models.BinaryField(null=True)
    judged_colour_matrix = models.BinaryField(null=True)
    fit_summary = models.JSONField(default=dict, help_text="What it was fitted on: photos, categories' make-up, seed.")
    quality = models.JSONField(default=dict, help_text="The last evaluation.")
    calibration = models.JSONField(
        default=dict,
        help_text="What a score means in per cent: recommender.records.calibration. Empty: not fitted yet.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=Q(state="active"), name="one_active_space"),
        ]

    def __str__(self) -> str:
        return str(self.name)

    @property
    def shape_dimensions(self) -> int:
        """The first so many dimensions of a vector are its shape part."""
        return self.dimensions - self.colour_dimensions

    @property
    def fit(self) -> Fit | None:
        """What it was fitted on; None while its fit is still to come. Raises MalformedRecord."""
        return read_fit(self.fit_summary, space=self.name)

    @fit.setter
    def fit(self, fit: Fit) -> None:
        self.fit_summary = fit.as_json()

    @property
    def judged(self) -> Quality | None:
        """Its last judgement; None before the first. Raises MalformedRecord."""
        return read_quality(self.quality, space=self.name)

    @judged.setter
    def judged(self, quality: Quality) -> None:
        self.quality = quality.as_json()

    @property
    def calibrated(self) -> Calibration | None:
        """What its scores mean in per cent; None while nothing is fitted. Raises MalformedRecord."""
        return read_calibration(self.calibration, space=self.name)

    @calibrated.setter
    def calibrated(self, calibration: Calibration | None) -> None:
        self.calibration = {} if calibration is None else calibration.as_json()

    @property
    def asked_parameters(self) -> Mapping[str, int]:
        """The index parameters that were asked for; those of the row may hold what the index chose besides.

        Raises MalformedRecord.
        """
        fit = self.fit
        if fit is not None and fit.asked is not None:
            return fit.asked
        return read_parameters(self.parameters, space=self.name)


class RecallSample(models.Model):
    """One measurement of the live index against exact search."""

    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="recall_samples")
    measured_at = models.DateTimeField(auto_now_add=True, db_index=True)
    recall = models.FloatField(
        null=True, help_text="Mean recall@10 of the ANN answers; empty when there was nothing to ask."
    )
    queries = models.PositiveIntegerField()
    worst_share = models.FloatField(
        null=True, help_text="Share of the queries that found fewer than half of their true ten; empty as `recall` is."
    )

    class Meta:
        ordering = ["-measured_at"]

    def __str__(self) -> str:
        return f"recall {self.recall} of {self.space_id} at {self.measured_at}"
