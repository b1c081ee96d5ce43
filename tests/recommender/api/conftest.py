"""The API is asked over a shop of the search's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.handlers.wsgi import WSGIHandler
from pytest_django import Settings

from recommender.merchandising.rules import in_force
from recommender.spaces import active
from tests.catalog.access.policies import policy
from tests.recommender.api.serving import Served, serving
from tests.recommender.search.conftest import forgetful_process, shop
from tests.recommender.search.gallery import Shop, make_space, random_units

__all__ = ["forgetful_process", "policy", "shop"]


@pytest.fixture
def served(transactional_db: None) -> Iterator[Served]:
    with serving(WSGIHandler()) as served:
        yield served


@pytest.fixture
def path(transactional_db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where it is asked what looks like a product; one other product does. Nothing is too old to be given again."""
    settings.ANSWER_CACHE_SECONDS = 60
    monkeypatch.setattr(active, "CACHE_SECONDS", 60.0)
    monkeypatch.setattr(in_force, "CACHE_SECONDS", 60.0)
    shop = Shop(make_space())
    vectors = random_units(3, seed=5)
    product = shop.add(vectors[0])
    shop.add(vectors[1])
    return f"/api/v1/products/{product.pk}/similar/"
