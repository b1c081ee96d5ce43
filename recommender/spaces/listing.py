"""The spaces as they stand, for `spaces list`."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from recommender.encoder.store import HEAVY
from recommender.index import partitions
from recommender.index.registry import vector_index
from recommender.models import RecallSample, Space

_HEAVY = ("mean", "matrix", "judged_mean", "judged_matrix", *(f"encoder__{name}" for name in HEAVY))


def list_spaces() -> list[dict[str, Any]]:
    """One JSON object a space, newest first; sizes in bytes, ages in seconds."""
    spaces = Space.objects.select_related("encoder").defer(*_HEAVY).order_by("-pk")
    return [_described(space) for space in spaces]


def _described(space: Space) -> dict[str, Any]:
    stands = partitions.partition_bytes(space) > 0
    return {
        "name": space.name,
        "state": space.state,
        "encoder": space.encoder.name,
        "projection": space.projection,
        "labels": space.labels,
        "dims": space.dimensions,
        "augment": space.augment,
        "metric": space.metric,
        "index": space.index,
        "parameters": space.parameters,
        "photos": vector_index().count(space=space) if stands else 0,
        "fitted_photos": space.fit_summary.get("photos"),
        "recall": _recall(space),
        "quality": headline(space.quality),
        "bytes": partitions.partition_bytes(space),
        "index_bytes": partitions.index_bytes(space),
        "age_seconds": round((timezone.now() - space.created_at).total_seconds()),
        "created_at": space.created_at.isoformat(),
        "activated_at": space.activated_at and space.activated_at.isoformat(),
        "retired_at": space.retired_at and space.retired_at.isoformat(),
        "drift": space.fit_summary.get("drift"),
    }


def headline(quality: dict[str, Any]) -> dict[str, Any] | None:
    """P@10 and mAP@50 on held-out photos, and the gain in mAP@50 over the plain encoder, where judged."""
    own = quality.get("systems", {}).get("space", {})
    part = own.get("seen") or own.get("overall")
    if not part:
        return None
    gain = quality["differences"].get("plain", {}).get("seen" if own.get("seen") else "overall")
    return {"p@10": part["p@10"][1], "map@50": part["map@50"][1], "over_plain": gain and gain[1]}


def _recall(space: Space) -> float | None:
    """Of the live index, measured by beat; before the first measurement that of the build."""
    sample = RecallSample.objects.filter(space=space, recall__isnull=False).first()
    kept: float | None = space.quality.get("ann_recall")
    return sample.recall if sample is not None else kept
