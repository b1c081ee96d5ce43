"""Pages over a search whose answers the test decides."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from tests.catalog.storefront import searches
from tests.catalog.storefront.searches import KnownSearch


@pytest.fixture
def search(settings: Settings) -> KnownSearch:
    settings.STOREFRONT_SEARCH = "tests.catalog.storefront.searches.SEARCH"
    searches.SEARCH.__init__()  # type: ignore[misc]
    return searches.SEARCH
