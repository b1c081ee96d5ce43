"""Keys of the API."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Literal

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from catalog.origins import origin_of

# Tokens that the dearest request takes (catalog.access.endpoints): a bucket that holds fewer would never admit it.
LEAST_BURST = 20


class ApiKey(models.Model):
    """Who may ask the API. The key itself is not kept, only its hash: it is shown once, when it is made (catalog.access.issuing).

    `digest`: SHA-256 of the key, in hexadecimal; a key is 32 random bytes, which nobody finds by trying, so no slow hash is
    needed. `prefix`: the key's first characters, by which people tell keys apart. `origins`: the pages that may use a
    publishable key, all where none is listed. `rate`: requests a second, and `burst` at once, instead of those of the settings.
    `replaces`: the key whose successor this one is. `last_used_at` is written at most once a minute.
    """

    class Kind(models.TextChoices):
        PUBLISHABLE = "publishable", "publishable: may stand in a page, and reads"
        SECRET = "secret", "secret: for servers, may do everything"

    name = models.CharField(max_length=100, help_text="Who uses it and for what, such as: storefront, nightly build.")
    kind = models.CharField(max_length=11, choices=Kind)
    prefix = models.CharField("begins with", max_length=20, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    origins = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    rate = models.FloatField(
        "requests a second", null=True, blank=True, validators=[MinValueValidator(0.01), MaxValueValidator(1_000_000)],
        help_text="Empty: API_KEY_RATE of the settings.",
    )  # fmt: skip
    burst = models.PositiveIntegerField(
        "requests at once", null=True, blank=True, validators=[MinValueValidator(LEAST_BURST)],
        help_text="Empty: API_KEY_BURST of the settings.",
    )  # fmt: skip
    replaces = models.OneToOneField(
        "self", on_delete=models.SET_NULL, null=True, editable=False, related_name="replaced_by"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: it is valid until it is revoked.")
    revoked_at = models.DateTimeField(null=True, editable=False)
    last_used_at = models.DateTimeField("last used", null=True, editable=False)

    class Meta:
        verbose_name = "API key"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind="publishable") | Q(origins=[]), name="only_pages_have_origins"),
            models.CheckConstraint(condition=Q(rate=None) | Q(rate__gt=0), name="rate_above_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def clean(self) -> None:
        """Raises ValidationError, and writes origins as browsers send them."""
        if self.rate is not None and not math.isfinite(self.rate):
            raise ValidationError({"rate": "a number of requests a second is needed"})
        try:
            self.origins = list(dict.fromkeys(map(origin_of, self.origins or [])))
        except ValueError as error:
            raise ValidationError({"origins": str(error)}) from error
        if self.origins and self.kind != self.Kind.PUBLISHABLE:
            raise ValidationError({"origins": "origins are for publishable keys: a secret key never stands in a page"})

    def ended_at(self, now: datetime) -> datetime | None:
        """When it ceased to be valid; None while it is valid."""
        ends = [moment for moment in (self.revoked_at, self.expires_at) if moment is not None and moment <= now]
        return min(ends, default=None)

    def state_at(self, now: datetime) -> Literal["valid", "revoked", "expired"]:
        """In a word: whether it is valid, or how it ended."""
        if self.ended_at(now) is None:
            return "valid"
        return "revoked" if self.revoked_at is not None else "expired"
