"""Encoders and spaces in the admin, read-only; the commands `compile_encoder` and `spaces` make them."""

from __future__ import annotations

import json
from collections.abc import Callable

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from recommender.admin.read_only import ReadOnlyAdmin
from recommender.encoder import store as encoders
from recommender.models import Encoder, Space
from recommender.records.fit import Fit
from recommender.records.quality import Quality
from recommender.records.reading import MalformedRecord
from recommender.spaces import listing

_OPTIONS = ("name", "state", "encoder", "projection", "dimensions", "colour_dimensions", "colour_weight")
_MOST_SHOWN = 20  # of a list of ids; a fit of a large catalogue names 20,000 held-out photos


@admin.register(Encoder)
class EncoderAdmin(ReadOnlyAdmin):
    list_display = [
        "name",
        "precision",
        "pooling",
        "recipe",
        "side",
        "dimensions",
        "colour_bins",
        "short_hash",
        "created_at",
    ]
    fields = [
        "name",
        "weights",
        "precision",
        "pooling",
        "recipe",
        "side",
        "dimensions",
        "colour_bins",
        "sha256",
        "created_at",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Encoder]:
        return super().get_queryset(request).defer(*encoders.HEAVY)

    @admin.display(description="SHA-256")
    def short_hash(self, encoder: Encoder) -> str:
        return encoder.sha256[:12]


@admin.register(Space)
class SpaceAdmin(ReadOnlyAdmin):
    list_display = [*_OPTIONS, "metric", "index", "augment", "automatic", "age"]
    list_filter = ["state", "projection", "metric", "index"]
    fields = [
        *(*_OPTIONS, "metric", "index", "parameters", "labels", "augment", "automatic"),
        *("fitted_on", "judged", "created_at", "activated_at", "retired_at"),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Space]:
        return super().get_queryset(request).select_related("encoder").defer(*listing.HEAVY)

    @admin.display(description="made", ordering="created_at")
    def age(self, space: Space) -> str:
        return f"{space.created_at:%Y-%m-%d %H:%M}"

    @admin.display(description="fit")
    def fitted_on(self, space: Space) -> SafeString:
        return _readable(lambda: space.fit, space.fit_summary)

    @admin.display(description="quality")
    def judged(self, space: Space) -> SafeString:
        return _readable(lambda: space.judged, space.quality)


def _readable(record: Callable[[], Fit | Quality | None], kept: object) -> SafeString:
    """A record as JSON; where what is kept in the row is malformed, what is wrong with it, and the row's JSON."""
    trouble = ""
    try:
        found = record()
        kept = {} if found is None else found.as_json()
    except MalformedRecord as error:
        trouble = f"{error}\n\n"
    return format_html("<pre>{}{}</pre>", trouble, json.dumps(_shortened(kept), indent=2, ensure_ascii=False))


def _shortened(value: object) -> object:
    """The same JSON; of a long list only how many it holds."""
    if isinstance(value, dict):
        return {name: _shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value] if len(value) <= _MOST_SHOWN else f"{len(value):,} values"
    return value
