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
from tests.recommender.compiled import compiled_encoder
from tests.recommender.spaces.gallery import (
    CLOTHING,
    Clothing,
    encoder_row,
    fill_coloured_space,
    fill_plain_space,
    read_clothing,
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
def plain_space(db: None) -> Space:
    """10 categories of 24 photos, in the active plain space; categories differ along half of the dimensions."""
    return fill_plain_space()


@pytest.fixture
def coloured_space(db: None) -> Space:
    """The same 10 categories of 24 photos, each photo in one of 6 colours, in the active space of a new shop."""
    return fill_coloured_space()


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
