"""The index is tested under a shop of the search's tests; the suites share a large one for each engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker

from tests.recommender.index.engines import PASSING, chosen, shop_of
from tests.recommender.search.conftest import forgetful_process, shop
from tests.recommender.search.gallery import Shop

__all__ = ["forgetful_process", "shop"]


@pytest.fixture(scope="module", params=PASSING)
def filled(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Shop]:
    """2,000 photos behind an engine, which is that of the settings meanwhile; made once for the tests of a module that only read.

    All in one transaction that is rolled back, so that the tests of other modules find the database empty.
    """
    with django_db_blocker.unblock(), chosen(request.param), transaction.atomic():
        yield shop_of()
        transaction.set_rollback(True)
