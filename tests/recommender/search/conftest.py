"""A shop in a space, and a fresh process memory for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from recommender import redis_client
from recommender.merchandising.rules import in_force
from recommender.monitoring import status
from recommender.spaces import active as spaces
from tests.recommender.search.gallery import Shop, make_space


@pytest.fixture(autouse=True)
def forgetful_process() -> Iterator[None]:
    """What a process remembers for a second is of the test before."""
    spaces.forget_active_space()
    in_force.forget_rules()
    redis_client.breaker().succeeded()
    status.rest.begin(0)
    yield
    spaces.forget_active_space()
    in_force.forget_rules()


@pytest.fixture
def shop(db: None) -> Shop:
    """An empty shop with an active 8-d cosine space under an HNSW index."""
    return Shop(make_space())
