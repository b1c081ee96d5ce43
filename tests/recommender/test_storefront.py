"""The storefront's search over real vectors: what it finds, what it costs, and what it says where there is no answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory
from pytest_django import Settings

from catalog.parameters import InvalidParameter
from catalog.storefront.port import PhotoRefused, SearchAway, SearchBusy, search
from recommender.merchandising.rules import in_force
from recommender.models import Rule, Space
from recommender.spaces import active
from recommender.storefront import SEARCH
from tests.catalog.factories import photo_bytes
from tests.recommender.encoder_of_tests import ColourEncoder, make_encoder_row
from tests.recommender.search.conftest import forgetful_process, shop
from tests.recommender.search.gallery import Shop, make_space, random_units

__all__ = ["forgetful_process", "shop"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def request_() -> HttpRequest:
    return RequestFactory().get("/", REMOTE_ADDR="192.0.2.7")
