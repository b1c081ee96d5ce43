"""Features of photos that are searched with: kept by photo, crop and encoder, whose recipe is a part of it."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from recommender.encoder import serving
from recommender.models import Encoder
from recommender.search.query_photos import encode
from tests.catalog.factories import photo_bytes


class Numbered:
    """Encodes each photo as how many it has encoded by then."""

    side, dimensions, pooling, recipe = 8, 4, "mean", 1

    def __init__(self) -> None:
        self.photos = 0

    def maps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.ones((1, 1, 4), np.float32)

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.photos += 1
        return np.full(4, self.photos, np.float32)


def test_features_of_one_recipe_are_not_taken_for_those_of_another() -> None:
    data = photo_bytes(71)
    digest = hashlib.sha256(data).hexdigest()
    rows = [Encoder(pk=recipe, sha256="d" * 64, pooling="mean", recipe=recipe, dimensions=4) for recipe in (1, 2)]
    with serving.injected(Numbered()):
        found = [encode(encoder=row, data=data, digest=digest, crop=None)[0] for row in (*rows, *rows)]
    assert found == [1, 2, 1, 2]
