"""A shop for the pipeline's tests: a space with an encoder that answers by colour, or a real one for worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from django.db import connection
from numpy.typing import NDArray
from psycopg import sql

from recommender.encoder import serving
from recommender.models import Encoder, Space
from recommender.spaces.first import ensure_first_space


class ColourEncoder:
    """Fixed vectors: the mean colour of the middle of the photo, and one that never is 0. `on_photo` may interfere."""

    side, dimensions, pooling, recipe = 8, 4, "mean", 1

    def __init__(self) -> None:
        self.photos = 0
        self.on_photo: Callable[[], None] = lambda: None

    def maps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        values = np.ones((1, 1, 4), np.float32)
        values[0, 0, :3] = pixels.reshape(-1, 3).mean(axis=0) / 255
        return values

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.photos += 1
        self.on_photo()
        return self.maps(pixels)[0, 0]


@pytest.fixture
def colour_encoder() -> Iterator[ColourEncoder]:
    encoder = ColourEncoder()
    with serving.injected(encoder):
        yield encoder


def make_encoder_row(name: str = "colour@1", sha256: str = "c" * 64) -> Encoder:
    return Encoder.objects.create(
        name=name,
        sha256=sha256,
        precision="fp32",
        pooling="mean",
        side=ColourEncoder.side,
        dimensions=ColourEncoder.dimensions,
        compiled=b"",
        check_pixels=b"",
        check_features=b"",
    )


@pytest.fixture
def no_vectors(transactional_db: None) -> Iterator[None]:
    """No vectors at the beginning, whatever tests that commit have left, and none at the end."""
    drop_partitions()
    yield
    drop_partitions()


def drop_partitions() -> None:
    """Partitions are no models of Django's: between tests that commit, nobody else empties them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'recommender_imagevector'::regclass"
        )
        for (partition,) in cursor.fetchall():
            cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(partition)))


@pytest.fixture
def colour_space(no_vectors: None, colour_encoder: ColourEncoder) -> Space:
    """An active space of the colour encoder; committed, so that threads and other sessions see it."""
    return ensure_first_space(encoder=make_encoder_row())


@pytest.fixture
def real_space(no_vectors: None, compiled_lite0: Encoder) -> Space:
    """An active space of the real Lite0, for worker processes."""
    return ensure_first_space(encoder=compiled_lite0)
