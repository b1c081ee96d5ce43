"""What tests of the doors that write share: keys, and a caller with a secret one."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from tests.catalog.writes.keys import Caller


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> None:
    settings.API_ADMISSION = "tests.catalog.writes.keys.decide"


@pytest.fixture
def shop() -> Caller:
    """Calls with a secret key."""
    return Caller()
