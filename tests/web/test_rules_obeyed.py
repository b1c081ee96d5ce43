"""Every process of the web server obeys a rule within five seconds, answers that are kept included."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender.merchandising.rules import editing
from tests.load.web import web_server
from tests.recommender.pipeline.conftest import drop_partitions
from tests.recommender.search.gallery import Shop, make_space
from tests.waiting import wait_until
from tests.workers import process_environment

OBEYED_SECONDS = 5.0
ASKED = 20  # each on a connection of its own, so that both processes answer some


@pytest.fixture
def products(transactional_db: None) -> Iterator[list[int]]:
    """One that asks, then two others, the nearer first."""
    shop = Shop(make_space())
    yield [shop.add([1, angle, 0, 0, 0, 0, 0, 0]).pk for angle in (0.0, 0.1, 0.2)]
    drop_partitions()


def test_two_processes_obey_a_rule_and_its_undoing(products: list[int], tmp_path: Path) -> None:
    asked, first, second = products
    environment = process_environment(HTTPS="false", WEB_PROCESSES="2", ANSWER_CACHE_SECONDS="60")
    with web_server(environment, tmp_path / "log") as url:

        def answers() -> set[tuple[int, ...]]:
            found = set()
            for _ in range(ASKED):
                with urllib.request.urlopen(f"{url}/api/v1/products/{asked}/similar/") as answer:
                    found.add(tuple(one["product"]["id"] for one in json.load(answer)["results"]))
            return found

        assert answers() == {(first, second)}
        rule = editing.hide(None, first, by=None)
        wait_until(lambda: answers() == {(second,)}, seconds=OBEYED_SECONDS)
        editing.undo(rule.pk, by=None)
        wait_until(lambda: answers() == {(first, second)}, seconds=OBEYED_SECONDS)
