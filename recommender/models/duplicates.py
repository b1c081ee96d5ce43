"""Products that show the same photo: those that wait for a person's decision, and the decisions."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models


class DuplicateCluster(models.Model):
    """Products whose photos show the same, as the last search found them, until somebody decides.

    `products` and `images` belong together, the representative first. `cosine`: of the two that are most alike, 1 for one file.
    """

    products = ArrayField(models.BigIntegerField())
    images = ArrayField(models.BigIntegerField())
    cosine = models.FloatField(null=True)
    found_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "probable duplicate"
        ordering = ["-cosine", "id"]

    def __str__(self) -> str:
        return f"{len(self.products)} products with one photo"


class DuplicateDecision(models.Model):
    """What a person decided of products that show the same photo; a search does not bring up again what lies within one.

    `products` ascending, `images` of them in no order. `before`: by product's id in text, the group that it had and whether that
    was decided, so that a decision can be taken back. `digest`: of the file that was ruled a placeholder.
    """

    class Kind(models.TextChoices):
        GROUP = "group", "one product, several variants"
        FINE = "fine", "the same photo is fine"
        PLACEHOLDER = "placeholder", "the photo is a placeholder"

    kind = models.CharField(max_length=12, choices=Kind)
    products = ArrayField(models.BigIntegerField())
    images = ArrayField(models.BigIntegerField())
    group = models.CharField(max_length=200, blank=True)
    before = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [GinIndex(fields=["products"], name="decision_by_products")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {len(self.products)} products"
