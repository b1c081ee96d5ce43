"""Vectors go to Postgres and come back in binary, at half precision."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray

from recommender.halfvec import HalfVector, cursor, half_precision, halfvec_type, raw_connection
from recommender.models import Encoder, ImageFeatures
from tests.catalog.factories import make_image

pytestmark = pytest.mark.django_db
# The largest half, the smallest one, and numbers that are rounded.
VECTORS = np.array([[65504.0, 6e-8, -0.0], [1 / 3, -2 / 3, 0.1]], np.float32)


def read(statement: str, *parameters: object) -> list[NDArray[np.float32]]:
    return [row[0] for row in cursor().execute(statement, parameters, binary=True).fetchall()]


def test_a_vector_comes_back_as_float32_of_half_precision() -> None:
    for vector in VECTORS:
        (found,) = read("SELECT %b::halfvec", HalfVector(vector))
        assert found.dtype == np.float32 and np.array_equal(found, half_precision(vector))


def test_vectors_go_as_an_array_and_by_copy() -> None:
    halves = [HalfVector(vector) for vector in VECTORS]
    for row, found in enumerate(read("SELECT unnest(%b::halfvec[])", halves)):
        assert np.array_equal(found, half_precision(VECTORS[row]))
    raw = raw_connection()
    raw.execute("CREATE TEMPORARY TABLE copied (vector halfvec(3)) ON COMMIT DROP")
    with psycopg.Cursor(raw).copy("COPY copied FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types([halfvec_type(raw)])
        for half in halves:
            copy.write_row((half,))
    assert np.array_equal(np.stack(read("SELECT vector FROM copied")), half_precision(VECTORS))


def test_djangos_own_queries_go_on_giving_lists_on_the_same_connection() -> None:
    encoder = Encoder.objects.create(
        name="three@1", sha256="a" * 64, precision="fp32", pooling="mean", side=8, dimensions=3,
        compiled=b"", check_pixels=b"", check_features=b"",
    )  # fmt: skip
    image = make_image()
    raw_connection()
    ImageFeatures.objects.create(image=image, encoder=encoder, digest=image.digest, features=HalfVector(VECTORS[1]))
    assert list(ImageFeatures.objects.get().features) == half_precision(VECTORS[1]).tolist()
