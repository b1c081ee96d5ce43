"""Answers in Redis: what they save, when they die, and what an absent, slow or flushed Redis costs: time."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import redis
from django.db import transaction
from django.test import Client, RequestFactory
from pytest_django import Settings

from catalog.models import Product
from config.local.redis import start_redis, stop_redis
from recommender import redis_client
from recommender.api.cached_answers import cached_or_made
from recommender.models import Space
from recommender.search import cache as answers_cache
from recommender.spaces import active as spaces
from tests.recommender.search.gallery import Shop, make_space, random_units
from tests.waiting import wait_until

VECTORS = random_units(20, seed=2)
API = "/api/v1/"


@pytest.fixture
def own_redis(server_folder: Path, settings: Settings, shipped_redis_timeout: None) -> Iterator[psutil.Process]:
    """A Redis that the test may stop, as the one of this process."""
    settings.REDIS_URL = start_redis(server_folder)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        process = psutil.Process(client.info("server")["process_id"])
    yield process
    if process.is_running():
        process.send_signal(signal.SIGCONT)
    stop_redis(server_folder)  # also one that the test itself started anew


@pytest.fixture
def committed_shop(transactional_db: None) -> Shop:
    """Answers are forgotten on commit, so these tests commit."""
    return Shop(make_space())


def ids(client: Client, product: Product, query: str = "") -> list[int]:
    response = client.get(f"{API}products/{product.pk}/similar/{query}")
    assert response.status_code == 200
    return [result["product"]["id"] for result in response.json()["results"]]


def test_a_kept_answer_is_the_same_bytes_without_a_search(committed_shop: Shop, client: Client) -> None:
    product = committed_shop.add(VECTORS[0])
    committed_shop.add(VECTORS[1])
    url = f"{API}products/{product.pk}/similar/"
    first = client.get(url).content
    Product.objects.all().update(title="changed behind everyone's back")
    assert client.get(url).content == first
    assert client.get(url + "?limit=12").content != first  # another search


def test_a_change_of_price_shows_within_five_seconds(committed_shop: Shop, client: Client) -> None:
    product, other = committed_shop.add(VECTORS[0]), committed_shop.add(VECTORS[1], price=10)
    url = f"{API}products/{product.pk}/similar/"
    assert client.get(url).json()["results"][0]["product"]["price"] == "10.00"
    other.price = 12
    other.save()
    wait_until(lambda: client.get(url).json()["results"][0]["product"]["price"] == "12.00", seconds=5)


@pytest.mark.parametrize("how", ["unpublish", "delete", "photo"])
def test_what_is_hidden_is_gone_when_the_write_returns(committed_shop: Shop, client: Client, how: str) -> None:
    product, other, rest = (committed_shop.add(VECTORS[i]) for i in range(3))
    assert set(ids(client, product)) == {other.pk, rest.pk}
    assert set(ids(client, product)) == {other.pk, rest.pk}
    if how == "unpublish":
        other.published = False
        other.save()
    elif how == "delete":
        other.delete()
    else:
        other.images.get().delete()
    assert ids(client, product) == [rest.pk]


def kept_body() -> bytes | None:
    kept, _ = answers_cache.look_up(space_id=1, rules="", request=b"q")
    return None if kept is None else kept.body


def test_an_answer_begun_before_the_write_and_kept_after_it_is_not_shown(committed_shop: Shop) -> None:
    kept, beginning = answers_cache.look_up(space_id=1, rules="", request=b"q")
    assert kept is None
    answers_cache.forget_all()
    answers_cache.keep(beginning, b"old")
    assert answers_cache.look_up(space_id=1, rules="", request=b"q")[0] is None
    _, beginning = answers_cache.look_up(space_id=1, rules="", request=b"q")
    answers_cache.keep(beginning, b"new")
    assert kept_body() == b"new"
    assert answers_cache.look_up(space_id=2, rules="", request=b"q")[0] is None


def test_a_write_that_is_rolled_back_forgets_nothing(committed_shop: Shop) -> None:
    product = committed_shop.add(VECTORS[0])
    _, beginning = answers_cache.look_up(space_id=1, rules="", request=b"q")
    answers_cache.keep(beginning, b"kept")
    with transaction.atomic():
        product.published = False
        product.save()
        assert kept_body() == b"kept"  # not before the commit
        transaction.set_rollback(True)
    assert kept_body() == b"kept"


def test_a_flush_while_an_answer_is_made_does_not_revive_it(committed_shop: Shop) -> None:
    _, beginning = answers_cache.look_up(space_id=1, rules="", request=b"q")
    answers_cache.forget_all()
    redis_client.client().flushdb()
    answers_cache.keep(beginning, b"hidden")
    assert answers_cache.look_up(space_id=1, rules="", request=b"q")[0] is None
    assert answers_cache.look_up(space_id=1, rules="", request=b"q")[0] is None


def test_age_is_counted_from_the_beginning_of_the_answer(committed_shop: Shop, settings: Settings) -> None:
    settings.ANSWER_CACHE_SECONDS = 1
    _, beginning = answers_cache.look_up(space_id=1, rules="", request=b"q")
    slow = replace(beginning, began=beginning.began - 0.8)
    answers_cache.keep(slow, b"body")
    assert kept_body() == b"body"
    assert wait_until(lambda: answers_cache.look_up(space_id=1, rules="", request=b"q")[0] is None, seconds=2) < 0.6
    answers_cache.keep(replace(beginning, began=beginning.began - 1.1), b"late")
    assert answers_cache.look_up(space_id=1, rules="", request=b"q")[0] is None


def test_an_entry_that_redis_kept_too_long_is_ignored(committed_shop: Shop, settings: Settings) -> None:
    """A Redis that hung executes late what it was sent before, with a full time to live."""
    _, beginning = answers_cache.look_up(space_id=1, rules="", request=b"q")
    asked, settings.ANSWER_CACHE_SECONDS = settings.ANSWER_CACHE_SECONDS, 3600
    answers_cache.keep(replace(beginning, began=beginning.began - asked), b"body")
    assert kept_body() == b"body"
    settings.ANSWER_CACHE_SECONDS = asked
    assert answers_cache.look_up(space_id=1, rules="", request=b"q")[0] is None


def test_an_answer_of_another_space_than_was_looked_under_is_not_kept(committed_shop: Shop) -> None:
    """The active space is switched between the look and the answer, and back again."""
    before = committed_shop.space
    after = make_space(before.encoder, name="after", state=Space.State.READY)
    request = RequestFactory().get(f"{API}products/1/similar/")

    def switch(to: Space) -> None:
        Space.objects.filter(state=Space.State.ACTIVE).update(state=Space.State.READY)
        Space.objects.filter(pk=to.pk).update(state=Space.State.ACTIVE)
        spaces.forget_active_space()

    def answer(body: bytes, *, to: Space) -> bytes:
        def make() -> tuple[bytes, Space | None]:
            switch(to)
            return body, spaces.active_space()

        return cached_or_made(request, make)

    assert answer(b"of the next", to=after) == b"of the next"
    switch(before)
    assert answer(b"of the first", to=before) == b"of the first"  # the other's bytes were not kept under its key
    assert answer(b"made again", to=before) == b"of the first"


def test_pending_answers_are_never_kept(committed_shop: Shop, client: Client) -> None:
    from tests.catalog.factories import make_image

    product = make_image().product
    url = f"{API}products/{product.pk}/similar/"
    assert client.get(url).json()["status"] == "pending"
    product.images.get().embedding_jobs.update(state="failed", reason="bomb")
    assert client.get(url).json()["status"] == "failed"


def test_a_killed_redis_only_costs_time(
    committed_shop: Shop, client: Client, own_redis: psutil.Process, server_folder: Path
) -> None:
    product, other, rest = (committed_shop.add(VECTORS[i]) for i in range(3))
    assert set(ids(client, product)) == {other.pk, rest.pk}
    own_redis.kill()
    own_redis.wait(5)
    began = time.monotonic()
    for _ in range(20):
        assert set(ids(client, product)) == {other.pk, rest.pk}
    assert time.monotonic() - began < 3
    other.published = False
    other.save()  # the write succeeds
    assert ids(client, product) == [rest.pk]
    start_redis(server_folder)
    wait_until(lambda: redis_client.ask(lambda c: c.ping(), None) is True)
    rest.published = False
    rest.save()
    assert ids(client, product) == []


def test_a_hanging_redis_costs_one_timeout_a_second_not_one_a_request(
    committed_shop: Shop, client: Client, own_redis: psutil.Process, settings: Settings
) -> None:
    product, other = (committed_shop.add(VECTORS[i]) for i in range(2))
    assert ids(client, product) == [other.pk]
    own_redis.suspend()
    began = time.monotonic()
    for _ in range(40):
        assert ids(client, product) == [other.pk]
    elapsed = time.monotonic() - began
    assert elapsed < 3, f"{elapsed:.2f} s for 40 answers"
    own_redis.resume()


def test_hidden_while_redis_hangs_is_gone_within_five_seconds(
    committed_shop: Shop, client: Client, own_redis: psutil.Process
) -> None:
    product, other, rest = (committed_shop.add(VECTORS[i]) for i in range(3))
    assert set(ids(client, product)) == {other.pk, rest.pk}
    own_redis.suspend()
    committed = time.monotonic()
    other.published = False
    other.save()
    own_redis.resume()
    redis_client.breaker().succeeded()
    wait_until(lambda: ids(client, product) == [rest.pk], seconds=5 - (time.monotonic() - committed))


def test_a_flush_between_requests_only_costs_time(committed_shop: Shop, client: Client) -> None:
    product, other = (committed_shop.add(VECTORS[i]) for i in range(2))
    for _ in range(5):
        assert ids(client, product) == [other.pk]
        redis_client.client().flushdb()
    Product.objects.filter(pk=other.pk).update(brand="new")
    assert client.get(f"{API}products/{product.pk}/similar/").json()["results"][0]["product"]["brand"] == "new"
