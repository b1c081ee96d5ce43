"""Encoders for the tests of this app: real compiled ones, quickly."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from recommender.encoder.store import CompiledEncoder, save_encoder
from recommender.models import Encoder
from tests.recommender.compiled import compiled_encoder


@pytest.fixture(scope="session")
def lite0_file() -> CompiledEncoder:
    return compiled_encoder("efficientnet-lite0")


@pytest.fixture(scope="session")
def lite2_int8_file() -> CompiledEncoder:
    return compiled_encoder("efficientnet-lite2-int8")


@pytest.fixture
def compiled_lite0(db: None, lite0_file: CompiledEncoder, settings: Settings) -> Encoder:
    """EfficientNet-Lite0, fp32, Gaussian pooling, in the test's database and the setting of this process."""
    settings.ENCODER = "efficientnet-lite0"
    return save_encoder(lite0_file)


@pytest.fixture
def compiled_lite2_int8(db: None, lite2_int8_file: CompiledEncoder, settings: Settings) -> Encoder:
    """EfficientNet-Lite2, int8, Gaussian pooling, in the test's database and the setting of this process."""
    settings.ENCODER = "efficientnet-lite2-int8"
    return save_encoder(lite2_int8_file)
