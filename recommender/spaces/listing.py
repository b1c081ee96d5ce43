"""The spaces as they stand, for `spaces list`."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from recommender.encoder.store import HEAVY_JOINED
from recommender.evaluation.recall import worst_share
from recommender.index import stored
from recommender.index.registry import vector_index
from recommender.models import RecallSample, Space
from recommender.records.quality import Quality
from recommender.spaces.active import JUDGED_FIT

# Megabytes that no list shows, of a space and of the encoder that is selected with it.
HEAVY = (*JUDGED_FIT, "mean", "matrix", "colour_mean", "colour_matrix", *HEAVY_JOINED)


def list_spaces() -> list[dict[str, Any]]:
    """One JSON object a space, newest first; sizes in bytes, ages in seconds."""
    spaces = Space.objects.select_related("encoder").defer(*HEAVY).order_by("-pk")
    return [described(space) for space in spaces]


def described(space: Space) -> dict[str, Any]:
    """One space, as `list_spaces` has it. Raises MalformedRecord."""
    sizes = vector_index().sizes(space=space)
    fit, judged = space.fit, space.judged
    return {
        "name": space.name,
        "state": space.state,
        "encoder": space.encoder.name,
        "projection": space.projection,
        "labels": space.labels,
        "dims": space.dimensions,
        "color_dims": space.colour_dimensions,
        "color_weight": space.colour_weight if space.colour_dimensions else None,
        "automatic": space.automatic,
        "augment": space.augment,
        "metric": space.metric,
        "index": space.index,
        "parameters": space.parameters,
        "photos": stored.count(space=space) if sizes.total_bytes else 0,
        "fitted_photos": None if fit is None else fit.photos,
        "recall": _recall(space, judged),
        "recall_worst_share": worst_share(space).share,
        "quality": None if judged is None else headline(judged),
        "bytes": sizes.total_bytes,
        "index_bytes": sizes.index_bytes,
        "age_seconds": round((timezone.now() - space.created_at).total_seconds()),
        "created_at": space.created_at.isoformat(),
        "activated_at": space.activated_at and space.activated_at.isoformat(),
        "retired_at": space.retired_at and space.retired_at.isoformat(),
        "drift": fit.drift.as_json() if fit and fit.drift else None,
    }


def headline(quality: Quality) -> dict[str, float | None] | None:
    """P@10 and mAP@50 on held-out photos, and the gain in mAP@50 over the plain encoder, where judged."""
    own = quality.systems.get("space", {})
    part = "seen" if own.get("seen") else "overall"
    if not own.get(part):
        return None
    gain = quality.differences.get("plain", {}).get(part)
    return {"p@10": own[part]["p@10"].mean, "map@50": own[part]["map@50"].mean, "over_plain": gain and gain.mean}


def _recall(space: Space, judged: Quality | None) -> float | None:
    """Of the live index, measured by beat; before the first measurement that of the last judgement."""
    sample = RecallSample.objects.filter(space=space, recall__isnull=False).first()
    if sample is not None:
        return sample.recall
    return None if judged is None else judged.ann_recall
