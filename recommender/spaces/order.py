"""In which order a space's vectors are written when there are many: like beside like (see recommender.index.nearness)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from recommender.encoder.stored_features import batches
from recommender.index.nearness import NearnessTree, sample_size
from recommender.models import Space
from recommender.progress import Progress
from recommender.projection.apply import project

# Below so many vectors the order makes no difference: they fit in the caches of a processor.
LEAST = 10_000


def by_nearness(space: Space, image_ids: NDArray[np.int64], progress: Progress) -> NDArray[np.int64]:
    """int64 (n,) → the same ids in the order in which their vectors are to stand, without those that lost their features.

    Reads the features of a sample, then all: vectors are not kept, only the place of each. A sample of 64 MB takes some
    200 MB while its tree is made.
    """
    sample = _sample(space, image_ids)
    if not len(sample):
        return image_ids[:0]
    tree = NearnessTree(sample)
    del sample
    known, leaves, done = [image_ids[:0]], [np.zeros(0, np.int32)], 0
    for ids, vectors in _vectors(space, image_ids):
        known.append(ids)
        leaves.append(tree.leaves(vectors))
        done += len(ids)
        progress("ordering by nearness", done, len(image_ids))
    result: NDArray[np.int64] = np.concatenate(known)[np.argsort(np.concatenate(leaves), kind="stable")]
    return result


def _sample(space: Space, image_ids: NDArray[np.int64]) -> NDArray[np.float32]:
    count = min(len(image_ids), sample_size(space.dimensions))
    chosen = np.sort(np.random.default_rng(0).choice(len(image_ids), count, replace=False))
    found = [vectors for _, vectors in _vectors(space, image_ids[chosen])]
    return np.concatenate([np.zeros((0, space.dimensions), np.float32), *found])


def _vectors(space: Space, image_ids: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    for ids, features in batches(space.encoder_id, image_ids):
        yield ids, project(space, features)
