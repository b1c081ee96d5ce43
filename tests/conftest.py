"""What every test shares: photos in a temporary folder, an empty Redis database of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from pytest_django import Settings


@pytest.fixture(autouse=True)
def media_in_a_temporary_folder(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "media")


@pytest.fixture(autouse=True)
def empty_redis(settings: Settings) -> Iterator[None]:
    """The tests use database 1 of the server, so that a running demo on database 0 is left alone."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    yield
    client.flushdb()
    client.close()
