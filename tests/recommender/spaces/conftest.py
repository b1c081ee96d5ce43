"""A shop of drawn features, and one of the real photos; a fresh process memory for every test."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from django.conf import settings

from recommender import redis_client
from recommender.encoder.store import save_encoder
from recommender.models import Encoder, Space
from recommender.spaces import active as spaces
from recommender.spaces import first as first_space
from tests.recommender.compiled import compiled_encoder
from tests.recommender.spaces.gallery import (
    CLOTHING,
    Clothing,
    add_photos,
    class_features,
    coloured_encoder,
    encoder_row,
    read_clothing,
    with_colours,
)


@pytest.fixture(autouse=True)
def forgetful_process() -> Iterator[None]:
    """What a process remembers for a second is of the test before."""
    spaces.forget_active_space()
    redis_client.breaker().succeeded()
    yield
    spaces.forget_active_space()


@pytest.fixture
def encoder(db: None) -> Encoder:
    return encoder_row()


@pytest.fixture
def plain_space(encoder: Encoder) -> Space:
    """10 categories of 24 photos, in the active plain space; categories differ along half of the dimensions."""
    space = first_space.ensure_first_space(encoder=encoder)
    features, classes = class_features(10, 24)
    add_photos(encoder, features, [f"Things > kind {code}" for code in classes])
    return space


@pytest.fixture
def coloured_space(db: None) -> Space:
    """The same 10 categories of 24 photos, each photo in one of 6 colours, in the active space of a new shop."""
    encoder = coloured_encoder()
    space = first_space.ensure_first_space(encoder=encoder)
    features, classes = class_features(10, 24)
    rows = with_colours(features, np.arange(len(classes), dtype=np.int32) % 6)
    add_photos(encoder, rows, [f"Things > kind {code}" for code in classes])
    return space


@pytest.fixture
def clothing_encoder(db: None) -> Encoder:
    """The default encoder, compiled."""
    return save_encoder(compiled_encoder(settings.ENCODER))


@pytest.fixture
def clothing(clothing_encoder: Encoder) -> Clothing:
    if not CLOTHING.exists():
        pytest.skip(f"the real photos are not here: {CLOTHING} does not exist")
    return read_clothing(clothing_encoder)


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)
