"""The photos as the first recipe shows them to the network: their centre, whatever stands in it. What framing is measured against."""

from __future__ import annotations

import io

import numpy as np
from django.core.files.storage import default_storage
from numpy.typing import NDArray

from catalog.models import ProductImage
from catalog.photos.reading import PhotoError
from recommender.bench.relevance.labelled import Numbers
from recommender.encoder.preprocess import photo_to_pixels
from recommender.encoder.types import ImageEncoder
from recommender.projection.fit import fit_pca
from recommender.projection.statistics import Statistics
from recommender.spaces.colour import WHOLE

CENTRE_CROP = 1  # the recipe that takes the centre of every photo


def unframed_features(encoder: ImageEncoder, image_ids: Numbers) -> NDArray[np.float32]:
    """The network's part alone, float32 (photos, dimensions of the encoder); zeros where a photo cannot be read any more."""
    names = dict(ProductImage.objects.filter(pk__in=image_ids.tolist()).values_list("pk", "file"))
    features = np.zeros((len(image_ids), encoder.dimensions), np.float32)
    for row, image_id in enumerate(image_ids.tolist()):
        try:
            with default_storage.open(names[image_id]) as file:
                pixels = photo_to_pixels(io.BytesIO(file.read()), side=encoder.side, recipe=CENTRE_CROP)
        except (OSError, PhotoError):
            continue
        features[row] = encoder.features(pixels)[: encoder.dimensions]
    return features


def pca_vectors(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit rows float32 (photos, as many dimensions as a space usually has, or as there can be) by PCA of the same rows."""
    statistics = Statistics(features.shape[1])
    statistics.add(features)
    return fit_pca(statistics, min(WHOLE, len(features) - 1, features.shape[1]))(features)
