"""Whether confidences mean what they say in the space that answers: through the product's own search, at several weights, asked
by products that the confidences were not fitted on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from recommender.evaluation.calibration import judging_products
from recommender.evaluation.isotonic import calibration_error, reliability
from recommender.evaluation.labels import read_photos
from recommender.evaluation.scores import K
from recommender.models import Space
from recommender.search.filters import SearchOptions
from recommender.search.similarity import similar_to_each

# Answers of these confidences are looked at by themselves: there a wrong calibration shows most.
MIDDLE = (40.0, 60.0)
_BATCH = 50


def measure(space: Space, *, weights: list[float]) -> Iterator[dict[str, Any]]:
    """For each weight of colour: how many `products` ask, their `answers` that have a label, the share of them that is `alike`,
    the `error` (expected calibration error), and of those in the MIDDLE how many (`middle`), their mean `confidence` and the
    `share` that is alike, all 0 to 1.

    Nothing where the active space, which is `space`, has no confidence by labels.
    """
    fitted = space.calibrated
    if fitted is None or not fitted.labels:
        return
    photos = read_photos(encoders=[space.encoder_id], labels=fitted.labels)
    classes = dict(zip(photos.product_ids.tolist(), photos.classes.tolist(), strict=True))
    asking = judging_products(space)
    for weight in weights:
        confidences, alike = _answers(asking, classes, weight if space.colour_dimensions else None)
        if not len(confidences):
            continue
        middle = (confidences >= MIDDLE[0]) & (confidences <= MIDDLE[1])
        yield {
            "space": space.name,
            "labels": fitted.labels,
            "weight": weight,
            "products": len(asking),
            "answers": len(confidences),
            "alike": round(float(alike.mean()), 4),
            "error": round(calibration_error(reliability(confidences, alike)), 4),
            "middle": int(middle.sum()),
            "confidence": round(float(confidences[middle].mean()) / 100, 4) if middle.any() else None,
            "share": round(float(alike[middle].mean()), 4) if middle.any() else None,
        }


def _answers(products: list[int], classes: dict[int, int], weight: float | None) -> tuple[Any, Any]:
    """Confidences float64 (answers,), 0 to 100, and whether each has the query's label, bool (answers,)."""
    confidences: list[float] = []
    alike: list[bool] = []
    options = SearchOptions(limit=K, color_weight=weight)
    for start in range(0, len(products), _BATCH):
        for asking, answer in similar_to_each(product_ids=products[start : start + _BATCH], options=options).items():
            label = classes.get(asking, -1)
            for one in answer.found:
                theirs = classes.get(one.product_id, -1)
                if label >= 0 and theirs >= 0 and one.confidence is not None:
                    confidences.append(one.confidence)
                    alike.append(theirs == label)
    return np.array(confidences), np.array(alike, bool)
