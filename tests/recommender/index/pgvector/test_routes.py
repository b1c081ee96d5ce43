"""What is compared one by one and what is asked of the index: by the share that passes, which a sample estimates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from pytest_django import DjangoDbBlocker, Settings

from catalog.filters.chosen import Filters
from recommender.index import routes, sql
from recommender.index.base import Candidates, NearestQuery
from recommender.index.pgvector.engine import PgvectorIndex, visits
from recommender.index.pgvector.options import Parameters
from recommender.index.search import VectorSearch, vector_search
from recommender.index.session import ask
from recommender.models import Space
from tests.catalog.filters.chosen import filtering
from tests.recommender.index.pgvector.plans import filled, nodes, routes_of, scans
from tests.recommender.search.gallery import Shop, assert_same_answer, random_units
from tests.shared_rows import shared_rows


@pytest.fixture(scope="module")
def kept(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Shop]:
    yield from shared_rows(django_db_blocker, filled)


@pytest.fixture
def shop(db: None, kept: Shop) -> Shop:
    """A thousand products of one photo each, in a space with an HNSW index; what a test writes to it is undone."""
    return kept


def test_a_sample_says_which_share_passes_whatever_the_statistics_say(shop: Shop) -> None:
    red = filtering(attributes={"colour": ("red",)})
    filters = [
        filtering(min_price=900),
        red,
        filtering(attributes={"colour": ("red",)}, brands=("Brisk",)),
        filtering(attributes={"n": ("17",)}),
        filtering(brands=("Nobody",)),
        filtering(attributes={"colour": ("red",)}, exclude_products=(1, 2)),
    ]
    photos, shares = routes.estimates(shop.space, filters)
    assert photos == 1000 and shares == [0.1, 0.5, 0.167, 0.001, 0.0, 0.5]
    text, values = sql.share_estimated(red)
    (sample,) = scans(
        list(nodes(ask((sql.EXACT_SETTINGS, {}), [("EXPLAIN (FORMAT JSON) " + text, values)])[0][0][0][0]["Plan"])),
        "catalog_product",
    )
    assert sample["Node Type"] == "Sample Scan"


def test_what_passes_seldom_is_compared_one_by_one_and_the_rest_is_asked_of_the_index(shop: Shop) -> None:
    """Of a thousand photos, 7.75 · √12 · 1000^.4 = 425 are as dear to compare as the index is to ask."""
    rare, common, none = routes_of(
        shop, filtering(min_price=575), filtering(min_price=574), filtering(exclude_products=(1,))
    )
    assert (rare.few, rare.bound) == (True, 425) and (common.few, common.bound) == (False, 425)
    assert (rare.depth, rare.compared, none.depth) == (12, 16, 16)
    assert (rare.share, common.share, none.share) == (0.425, 0.426, None) and not none.few
    wide = routes_of(shop, filtering(min_price=550), k=20)[0]
    assert (wide.few, wide.bound) == (True, 549)  # more is asked for, so more is compared


def test_a_bound_that_is_given_is_counted_by_the_statement(shop: Shop) -> None:
    (never,) = routes_of(shop, filtering(min_price=999), exact_below=0)
    (tried,) = routes_of(shop, filtering(in_stock=True), exact_below=3)
    assert not never.few and (tried.few, tried.bound) == (True, 3)


def test_a_setting_bounds_what_is_compared(shop: Shop, settings: Settings) -> None:
    """A thousand products pass: fewer than that are too many, and the engine is asked."""
    asked = []

    class Recording(PgvectorIndex):
        def nearest(self, *, space: Space, queries: Sequence[NearestQuery], k: int) -> list[Candidates]:
            asked.append(settings.EXACT_BELOW_ROWS)
            return super().nearest(space=space, queries=queries, k=k)

    search = VectorSearch(Recording())
    for settings.EXACT_BELOW_ROWS in (40, 999, 1000):
        found = search.search(space=shop.space, vector=random_units(1, 64)[0], filters=filtering(min_price=0), k=12)
        assert len(found) == 12
    assert asked == [40, 999]


def test_a_scan_gives_up_later_where_few_pass_and_never_before_the_setting_where_that_is_unknown() -> None:
    """Four times the eight nodes that each candidate visits, at least 20,000, at most max_scan_tuples (100,000)."""

    def given(*shares: float | None, depth: int = 12) -> int:
        queries = [
            NearestQuery(vector=np.ones(64, np.float32), filters=Filters(), depth=depth, share=one) for one in shares
        ]
        return visits(Parameters(), queries, [depth] * len(queries))

    assert (given(0.5), given(0.01), given(0.005), given(0.001)) == (20_000, 38_400, 76_800, 100_000)
    assert given(0.5, 0.01) == 38_400
    assert given(0.05, depth=240) == 100_000  # 4 · 8 · 240 / .05 is more
    assert given(None) == given(0.0) == given(0.5, None) == 100_000


@pytest.mark.parametrize(
    ("share", "filters"),
    [
        (0.0, filtering(min_price=100)),
        (0.9, filtering(min_price=994)),
        (0.9, filtering(brands=("nobody's",))),
    ],
)
def test_a_wrong_sample_costs_time_and_no_product(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, share: float, filters: Filters
) -> None:
    vector = shop.vectors[next(iter(shop.vectors))]
    monkeypatch.setattr(routes, "estimates", lambda space, filters: (1000, [share] * len(filters)))
    found = vector_search().search(space=shop.space, vector=vector, filters=filters, k=12)
    expected = shop.answer(vector, filters, 12)
    assert len(found) == len(expected)
    if len(expected) < 12:
        assert_same_answer(found, expected, shop)
