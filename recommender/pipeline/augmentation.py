"""Vectors for an augmented space: a new photo is averaged with its neighbours in the gallery of that moment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.encoder.stored_features import features_of
from recommender.index.search import vector_search
from recommender.models import Space
from recommender.projection.apply import project
from recommender.projection.augment import augment

# The index holds augmented vectors, neighbours are found by plain ones: so many candidates for each neighbour, and no
# fewer than _LEAST in all, are compared again.
_WIDER = 4
_LEAST = 100


def augmented(space: Space, vectors: NDArray[np.float32], image_ids: Sequence[int]) -> NDArray[np.float32]:
    """Plain unit rows float32 (rows, d) of these photos → gallery rows float32 (rows, d).

    Neighbours are photos, as in a build: also those of the same product, of unpublished ones, and of `image_ids`
    themselves, for the photos of one product are often embedded together.
    """
    count = max(_LEAST, _WIDER * space.augment + 1)
    near = vector_search().nearest_photos(space=space, vectors=list(vectors), count=count)
    own = {int(image_id) for image_id in image_ids}
    known, features = features_of(space.encoder_id, sorted({int(found) for ids in near for found in ids} - own))
    plain = np.vstack([vectors, project(space, features)]) if len(known) else vectors
    names = np.r_[np.array(image_ids, np.int64), known]
    likeness = vectors @ plain.T
    likeness[np.array(image_ids)[:, None] == names[None, :]] = -np.inf
    result = vectors.copy()
    for row, cosines in enumerate(likeness):
        best = np.argsort(-cosines, kind="stable")[: space.augment]
        best = best[np.isfinite(cosines[best])]
        if len(best):
            result[row] = augment(vectors[row][None], plain[best][None], cosines[best][None])[0]
    return result
