"""A process that remembers nothing of the test before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from recommender.merchandising import counting
from recommender.monitoring import status
from recommender.pipeline import withholding
from recommender.spaces import active as spaces
from tests.recommender.pipeline.conftest import colour_encoder, colour_space, no_vectors, real_space

__all__ = ["colour_encoder", "colour_space", "no_vectors", "real_space"]


@pytest.fixture(autouse=True)
def forgetful_process() -> Iterator[None]:
    spaces.forget_active_space()
    status.rest.begin(0)
    counting.rest.begin(0)
    withholding.rest.begin(0)
    yield
    spaces.forget_active_space()
