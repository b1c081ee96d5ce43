"""Stored features in bounded batches, as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.index.session import rows
from recommender.models import Encoder

BATCH = 4096

# Features of pixels that were replaced meanwhile are no features of this photo.
_FEATURES = """
SELECT f.image_id, f.features FROM recommender_imagefeatures f
JOIN catalog_productimage i ON i.id = f.image_id AND i.digest = f.digest
WHERE f.encoder_id = %s AND f.image_id = ANY (%s)
"""


def features_of(
    encoder_id: int, image_ids: Sequence[int] | NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Features of photos in the order asked: ids int64 (rows,), features float32 (rows, n). Without those that have none."""
    wanted = [int(image_id) for image_id in image_ids]
    found: dict[int, NDArray[np.float32]] = dict(rows(_FEATURES, (encoder_id, wanted), binary=True))
    known = [image_id for image_id in wanted if image_id in found]
    features = np.stack([found[image_id] for image_id in known]) if known else np.zeros((0, 0), np.float32)
    return np.array(known, np.int64), features


def batches(encoder_id: int, image_ids: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """`features_of` many photos, BATCH at a time, in the order given."""
    for start in range(0, len(image_ids), BATCH):
        known, features = features_of(encoder_id, image_ids[start : start + BATCH])
        if len(known):
            yield known, features


def shapes_of(
    encoder_id: int, image_ids: Sequence[int] | NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """`features_of` photos without their colours: the network's part alone, float32 (rows, dimensions of the encoder)."""
    known, features = features_of(encoder_id, image_ids)
    return known, features[:, : _dimensions(encoder_id)]


def shape_batches(
    encoder_id: int, image_ids: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """`batches` of photos without their colours: the network's part alone."""
    dimensions = _dimensions(encoder_id)
    for known, features in batches(encoder_id, image_ids):
        yield known, features[:, :dimensions]


def _dimensions(encoder_id: int) -> int:
    return Encoder.objects.values_list("dimensions", flat=True).get(pk=encoder_id)
