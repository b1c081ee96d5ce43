"""Encoders, embedding jobs, features, spaces and their vectors."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, F, Q, Value, When
from pgvector.django import HalfVectorField

from catalog.models import Product, ProductImage
from recommender.records.calibration import Calibration, read_calibration
from recommender.records.fit import Fit, read_fit, read_parameters
from recommender.records.quality import Quality, read_quality


class Encoder(models.Model):
    """One compiled encoder. Its identity is the SHA-256 of the compiled file, the pooling of its last maps and the recipe
    around it: how a photo is framed and preprocessed, and whether its colours are counted. Every process serves those bytes.

    The check pictures and `check_features` (float32, n × row_width) let a process prove that it reproduces the encoder
    before it encodes: int8 exactly, fp32 to cosine .99999. Recipe 1 is proven by `check_pixels` (uint8, n × side × side × 3),
    later ones by `check_photos`, whole files that are framed as any photo is.
    """

    class Precision(models.TextChoices):
        FP32 = "fp32"
        INT8 = "int8"

    name = models.CharField(max_length=100, help_text="For example efficientnet-lite0@1.")
    weights = models.CharField(
        max_length=500, default="imagenet", help_text="The ENCODER_WEIGHTS it was compiled with."
    )
    source = models.CharField(
        max_length=64, blank=True, help_text="Hash of what it was compiled from: the same again is not compiled twice."
    )
    sha256 = models.CharField(max_length=64)
    precision = models.CharField(max_length=4, choices=Precision.choices)
    pooling = models.CharField(max_length=8, choices=[("gaussian", "gaussian"), ("mean", "mean")])
    recipe = models.PositiveSmallIntegerField(
        default=1, help_text="What is done around the network: see recommender.encoder.recipes."
    )
    side = models.PositiveIntegerField(help_text="Side of the square input, in pixels.")
    dimensions = models.PositiveIntegerField(help_text="Of the network's part of the features.")
    colour_bins = models.PositiveIntegerField(
        default=0, help_text="Of the colour histogram, which follows the network's part in every row of features."
    )
    compiled = models.BinaryField()
    basis = models.BinaryField(
        null=True,
        help_text="float32 (dimensions × columns), row-major: axes of the network's own classifier, strongest first.",
    )
    check_pixels = models.BinaryField()
    check_photos = ArrayField(models.BinaryField(), default=list, help_text="Files of whole pictures, PNG.")
    check_features = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sha256", "pooling", "recipe"], name="one_encoder_a_file_and_recipe"),
            models.UniqueConstraint(fields=["source"], condition=~Q(source=""), name="one_encoder_a_source"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.sha256[:12]})"

    @property
    def row_width(self) -> int:
        """Numbers in a row of features: the network's part, then the colour histogram."""
        return self.dimensions + self.colour_bins


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


class ImageFeatures(models.Model):
    """The features of a photo by an encoder: costly to compute, so kept; not indexed. `digest`: of the file they are of.

    A row is the network's part (`Encoder.dimensions`), then the colour histogram (`Encoder.colour_bins`, 0 in recipe 1).
    """

    image = models.ForeignKey(ProductImage, on_delete=models.CASCADE, related_name="features")
    encoder = models.ForeignKey(Encoder, on_delete=models.CASCADE, related_name="features")
    digest = models.CharField(max_length=64, db_index=True)
    features = HalfVectorField()

    class Meta:
        verbose_name_plural = "image features"
        constraints = [models.UniqueConstraint(fields=["image", "encoder"], name="one_features_an_image_and_encoder")]

    def __str__(self) -> str:
        return f"features of image {self.image_id}"


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


class ImageVector(models.Model):
    """The vector of a photo in a space: cheap to derive, indexed, in one LIST partition a space.

    Read and written by SQL in recommender.index; rows are inserted and deleted, never updated.
    """

    pk = models.CompositePrimaryKey("image_id", "space_id")
    image = models.ForeignKey(ProductImage, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    space = models.ForeignKey(Space, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    product = models.ForeignKey(Product, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    vector = HalfVectorField()

    class Meta:
        managed = False  # partitioned: the migration creates it by SQL
        db_table = "recommender_imagevector"

    def __str__(self) -> str:
        return f"vector of image {self.image_id} in space {self.space_id}"


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


class PhotoHash(models.Model):
    """The perceptual hashes of a photo file, by its digest: files that show the same picture differ by few bits."""

    digest = models.CharField(max_length=64, primary_key=True)
    hashes = ArrayField(
        models.BigIntegerField(), size=4, help_text="64 bits each: whole, mirrored, its middle, and that mirrored."
    )

    def __str__(self) -> str:
        return f"hashes of {self.digest[:12]}"


class Placeholder(models.Model):
    """A picture that stands for many products and shows none, such as "image coming soon"; or one that a person ruled on.

    It is a placeholder if `ruling` says so or, where nobody ruled, if `found`. Its photos are in no index: they are neither
    queries nor answers.
    """

    class Ruling(models.TextChoices):
        NONE = "", "as found"
        PLACEHOLDER = "placeholder"
        PHOTO = "photo", "a photo like any other"

    digest = models.CharField(max_length=64, unique=True, help_text="Of the file that represents it.")
    groups = models.PositiveIntegerField(default=0, help_text="Variant groups that show it, when last counted.")
    found = models.BooleanField(default=False, help_text="On more variant groups than PLACEHOLDER_ABOVE_GROUPS.")
    ruling = models.CharField(max_length=12, choices=Ruling.choices, default=Ruling.NONE, blank=True)
    is_placeholder = models.GeneratedField(
        expression=Case(
            When(ruling=Ruling.PLACEHOLDER, then=Value(True)),
            When(ruling=Ruling.PHOTO, then=Value(False)),
            default=F("found"),
        ),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    created_at = models.DateTimeField(auto_now_add=True)
    counted_at = models.DateTimeField(
        null=True, blank=True, help_text="Empty: its files and groups were not looked for yet."
    )

    def __str__(self) -> str:
        return f"placeholder {self.digest[:12]}"


class PlaceholderFile(models.Model):
    """A photo file that shows the picture of a placeholder: the same file, or one as good as equal to it."""

    digest = models.CharField(max_length=64, primary_key=True)
    placeholder = models.ForeignKey(Placeholder, on_delete=models.CASCADE, related_name="files")
    withheld = models.BooleanField(
        default=False, help_text="The vectors of its photos were removed, to be made again if it is no placeholder."
    )

    def __str__(self) -> str:
        return f"file {self.digest[:12]} of placeholder {self.placeholder_id}"
