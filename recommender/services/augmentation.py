"""Photos uploaded into an augmented space: each takes in its neighbours in the gallery of that moment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.index.registry import vector_index
from recommender.index.types import Filters
from recommender.models import Space
from recommender.projection.apply import project
from recommender.projection.augment import augment
from recommender.services.stored_features import features_of

# The index holds augmented vectors; so many candidates for each neighbour wanted, judged on plain vectors.
_WIDER = 4


def augmented(space: Space, vectors: NDArray[np.float32], image_ids: Sequence[int]) -> NDArray[np.float32]:
    """Plain unit rows float32 (rows, d) of these photos → gallery rows float32 (rows, d)."""
    index = vector_index()
    hits = [index.search(space=space, vector=row, filters=Filters(), k=_WIDER * space.augment + 1) for row in vectors]
    candidates = sorted({hit.image_id for found in hits for hit in found})
    known, features = features_of(space.encoder_id, candidates)
    if not len(known):
        return vectors
    plain = project(space, features)
    place = {int(image_id): row for row, image_id in enumerate(known)}
    result = vectors.copy()
    for row, (image_id, found) in enumerate(zip(image_ids, hits, strict=True)):
        near = [place[hit.image_id] for hit in found if hit.image_id != image_id and hit.image_id in place]
        if near:
            similarities = plain[near] @ vectors[row]
            best = np.argsort(-similarities, kind="stable")[: space.augment]
            result[row] = augment(vectors[row][None], plain[near][best][None], similarities[best][None])[0]
    return result
