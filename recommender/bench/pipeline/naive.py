"""The worker that most people write: one task a photo, `model.predict` on a batch of one, one INSERT each."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
from django.core.files.storage import default_storage

from catalog.models import ProductImage
from recommender.encoder import keras_models
from recommender.encoder.preprocess import photo_to_pixels
from recommender.encoder.registry import encoder_spec
from recommender.encoder.runtimes import row_of_features
from recommender.index import stored
from recommender.index.types import VectorRow
from recommender.models import Encoder, ImageFeatures, Space
from recommender.projection.apply import project

PHOTOS = 8


def naive_worker(row: Encoder) -> Callable[[Sequence[tuple[int, int, str]]], int]:
    """Loads Keras; what it returns handles the first PHOTOS of images given as (id, product id, digest)."""
    model = keras_models.build_model(encoder_spec(row.name), row.weights)
    space = Space.objects.get(state=Space.State.ACTIVE)
    model.predict(np.zeros((1, row.side, row.side, 3), np.float32), verbose=0)

    def task(image_id: int) -> None:
        image = ProductImage.objects.get(pk=image_id)
        with default_storage.open(str(image.file)) as file:
            pixels = photo_to_pixels(io.BytesIO(file.read()), side=row.side, recipe=row.recipe)
        maps = model.predict(pixels[None].astype(np.float32), verbose=0)[0]
        features = row_of_features(maps, pixels, row.pooling, row.recipe)
        ImageFeatures.objects.create(image=image, encoder=row, digest=image.digest, features=features.tolist())
        vector = project(space, features[None])[0]
        stored.insert(space=space, rows=[VectorRow(image.pk, image.product_id, vector)])

    def run(images: Sequence[tuple[int, int, str]]) -> int:
        handled = images[:PHOTOS]
        for image_id, _, _ in handled:
            task(image_id)
        return len(handled)

    return run
