"""One size of `bench spaces`: `python -m recommender.bench.spaces.process PHOTOS DIMENSIONS` prints one JSON object.

The parts of a build that hold photos in memory, as the build runs them, on features that are drawn batch by batch.
"""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import django
import numpy as np
import orjson
from numpy.typing import NDArray

from recommender.bench.memory import most_megabytes

HELD_OUT = 0.3
CLASSES = 100
_SEED = 11
_BATCH = 4096


class Gallery:
    """Features float32 (photos, dimensions) sorted by class, the same at every reading and never held."""

    def __init__(self, photos: int, dimensions: int) -> None:
        self.photos = photos
        self._generator = np.random.default_rng(_SEED)
        self._centres = self._generator.standard_normal((CLASSES, dimensions), np.float32)

    def batches(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int32]]]:
        """Ids int64 (rows,), features and classes int32 (rows,)."""
        for start in range(0, self.photos, _BATCH):
            ids = np.arange(start, min(start + _BATCH, self.photos))
            classes = (ids * CLASSES // self.photos).astype(np.int32)
            drawn = np.random.default_rng([_SEED, start]).standard_normal(
                (len(ids), self._centres.shape[1]), np.float32
            )
            drawn += self._centres[classes]
            yield ids, drawn, classes


def measure(photos: int, dimensions: int) -> dict[str, object]:
    """Seconds by stage, and the largest resident memory of this process in MB (10⁶ bytes)."""
    from recommender.evaluation.split import MOST_JUDGED, compare
    from recommender.projection.apply import unit
    from recommender.projection.fit import fit_learned, fit_pca
    from recommender.projection.statistics import Statistics
    from recommender.spaces.shrinkage import Teaching, choose, sample

    seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def timed(stage: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        seconds[stage] += time.perf_counter() - began

    gallery = Gallery(photos, dimensions)
    held_out = np.random.default_rng(_SEED).random(photos) < HELD_OUT
    judged_ids = np.random.default_rng(_SEED).permutation(np.flatnonzero(held_out))[:MOST_JUDGED]
    judged = unit(np.concatenate([rows[np.isin(ids, judged_ids)] for ids, rows, _ in gallery.batches()]))
    others = ((ids[~held_out[ids]], rows[~held_out[ids]]) for ids, rows, _ in gallery.batches())
    drawing = -time.perf_counter()
    for _ in gallery.batches():
        pass
    drawing += time.perf_counter()
    with timed("compare"):
        compare(judged, others, of=photos - int(held_out.sum()))
    seconds["compare"] = max(0.0, seconds["compare"] - drawing)
    del judged
    served, trained = Statistics(dimensions), Statistics(dimensions)
    every_class = np.arange(photos) * CLASSES // photos
    taught = sample(every_class.astype(np.int32), np.flatnonzero(~held_out))
    kept = []
    for ids, rows, classes in gallery.batches():
        with timed("gather"):
            served.add(rows, classes)
            trained.add(rows[~held_out[ids]], classes[~held_out[ids]])
            kept.append(rows[np.isin(ids, taught)])
    with timed("pca"):
        fit_pca(served, min(256, dimensions))
    with timed("shrinkage"):
        known = every_class[taught]
        teaching = Teaching(np.concatenate(kept), known.astype(np.int32), families=known, groups=taught)
        shrinkage = choose(teaching, dimensions=min(128, dimensions)).value
    del kept, teaching
    with timed("learned"):
        projection = fit_learned(served, min(128, dimensions), shrinkage)
        fit_learned(trained, min(128, dimensions), shrinkage)
    for _, rows, _ in gallery.batches():
        with timed("project"):
            projection(rows)
    return {
        "photos": photos,
        "seconds": {stage: round(value, 2) for stage, value in seconds.items()},
        "megabytes": round(most_megabytes()),
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sys.stdout.write(orjson.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))).decode())
