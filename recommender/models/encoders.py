"""Compiled encoders."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


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
