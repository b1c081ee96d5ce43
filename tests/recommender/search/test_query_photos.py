"""What a photo that is searched with leaves behind: its features in Redis for a while, or nothing; never the photo."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import redis
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client, RequestFactory
from pytest_django import Settings

from recommender.encoder import serving
from tests.catalog.factories import photo_bytes
from tests.recommender.search.gallery import Shop, make_space, unit
from tests.recommender.search.test_photo_search import RED, URL, ColourEncoder, colour
from tests.waiting import wait_until
from tests.web.caller import MULTIPART, form
from tests.web.rsgi import Sent, asked, running

ENTRIES = "query-photo:*"


@pytest.fixture
def encoder() -> Iterator[ColourEncoder]:
    encoder = ColourEncoder()
    with serving.injected(encoder):
        yield encoder


@pytest.fixture
def kept(settings: Settings) -> Iterator[redis.Redis]:
    """The Redis of the tests, without features of query photos."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for name in client.scan_iter(ENTRIES):
            client.delete(name)
        yield client


def ask(client: Client, data: bytes, **fields: str) -> int:
    """The status of a search by that photo."""
    return client.post(URL, {"image": SimpleUploadedFile("of-a-shopper.png", data), **fields}).status_code


def everything(client: redis.Redis) -> bytes:
    """All names and texts that Redis holds."""
    names = list(client.scan_iter())
    return b"\n".join([*names, *(client.get(name) or b"" for name in names if client.type(name) == b"string")])


def test_features_are_kept_under_the_digest_for_the_time_of_the_setting(
    client: Client, shop: Shop, encoder: ColourEncoder, kept: redis.Redis, settings: Settings
) -> None:
    settings.QUERY_PHOTO_SECONDS = 900
    data = photo_bytes(colour=RED)
    assert ask(client, data, crop="0,0,0.5,1") == 200
    (name,) = kept.scan_iter(ENTRIES)
    assert name.decode().split(":")[-2:] == [hashlib.sha256(data).hexdigest(), "0.0,0.0,0.5,1.0"]
    assert 890 < kept.ttl(name) <= 900
    assert np.array_equal(np.frombuffer(kept.get(name) or b"", np.float32), colour(RED))


def test_after_that_time_they_are_gone(
    client: Client, shop: Shop, encoder: ColourEncoder, kept: redis.Redis, settings: Settings
) -> None:
    settings.QUERY_PHOTO_SECONDS = 1
    data = photo_bytes(colour=RED)
    assert ask(client, data) == 200
    assert len(list(kept.scan_iter(ENTRIES))) == 1
    wait_until(lambda: not list(kept.scan_iter(ENTRIES)), seconds=5)
    assert (ask(client, data), encoder.photos) == (200, 2)


def test_nothing_is_kept_where_the_setting_is_0(
    client: Client, shop: Shop, encoder: ColourEncoder, kept: redis.Redis, settings: Settings
) -> None:
    settings.QUERY_PHOTO_SECONDS = 0
    data = photo_bytes(colour=RED)
    assert [ask(client, data) for _ in range(2)] == [200, 200]
    assert encoder.photos == 2
    assert list(kept.scan_iter(ENTRIES)) == []


@pytest.mark.django_db(transaction=True)
def test_the_answer_goes_out_before_its_features_are_kept(encoder: ColourEncoder, kept: redis.Redis) -> None:
    Shop(make_space()).add(unit(colour(RED)))
    request = RequestFactory().post(URL, {"image": SimpleUploadedFile("photo.png", photo_bytes(colour=RED))})
    statuses: list[str] = []
    response = WSGIHandler()(request.environ, lambda status, headers, *more: statuses.append(status))
    assert (statuses, b"".join(response)[:1]) == (["200 OK"], b"{")
    assert list(kept.scan_iter(ENTRIES)) == []
    response.close()
    assert len(list(kept.scan_iter(ENTRIES))) == 1


@pytest.mark.django_db(transaction=True)
def test_the_photo_itself_is_nowhere(
    encoder: ColourEncoder,
    kept: redis.Redis,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither while it is searched with nor afterwards: no named file, no byte of it in Redis, no name of it in a log."""
    Shop(make_space()).add(unit(colour(RED)))
    data = photo_bytes(seed=3, size=(900, 900), format="PNG")
    assert len(data) > 256 * 1024  # more than a body that stays in memory
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    settings.MEDIA_ROOT = str(tmp_path)
    files: list[list[Path]] = []
    encoder.meanwhile = lambda: files.append(list(tmp_path.rglob("*")))
    sent = Sent(URL, "POST", pairs=[("Content-Type", MULTIPART)], chunks=[form(data)])
    with caplog.at_level(logging.DEBUG), running(WSGIHandler()) as (loop, server):
        answer = loop.run(asyncio.wait_for(asked(server, sent), 60))
        wait_until(lambda: list(kept.scan_iter(ENTRIES)))
    assert answer.status == 200
    assert [*files, list(tmp_path.rglob("*"))] == [[], []]
    pieces = [data[start : start + 64] for start in range(0, len(data), len(data) // 8)]
    held = everything(kept)
    assert len(held) and not any(piece in held for piece in pieces)
    assert "photo.png" not in caplog.text and hashlib.sha256(data).hexdigest() not in caplog.text
