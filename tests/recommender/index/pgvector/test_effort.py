"""How the weight of colour in a query steers the search of pgvector's index: as always at the space's own weight, the wider the
farther from it, and without the index, by comparing all vectors, near 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from django.db import connection

from catalog.filters.chosen import Filters
from recommender.index import sql
from recommender.index.base import NearestQuery
from recommender.index.partitions import partition_name
from recommender.index.parts import weighing
from recommender.index.pgvector import engine, options, statements
from recommender.index.pgvector.ann_index import index_name
from recommender.index.pgvector.effort import effort_of
from recommender.index.pgvector.engine import visits, wider
from recommender.index.pgvector.options import Parameters
from recommender.index.registry import vector_index
from recommender.index.search import VectorSearch
from recommender.index.session import ask
from recommender.index.types import Hit, SpaceQuery
from recommender.models import Space
from recommender.projection.apply import beside
from tests.catalog.filters.chosen import filtering
from tests.recommender.index.pgvector.plans import nodes, scans
from tests.recommender.search.gallery import Shop, unit
from tests.recommender.search.parted import (
    ALPHA,
    Expected,
    expected_answer,
    make_parted_space,
    parted_shop,
    random_parted,
)

TENTHS = [tenth / 10 for tenth in range(11)]


def efforts(alpha: float) -> list[float]:
    """Of each tenth in a space of 192 + 64 dimensions."""
    space = Space(dimensions=256, colour_dimensions=64, colour_weight=alpha)
    rng = np.random.default_rng(0)
    shape, colour = (unit(rng.normal(size=size)) for size in (192, 64))
    vector = beside(shape, colour, alpha)
    return [effort_of(space, weighing(space, weight).query(vector)) for weight in TENTHS]


def test_the_effort_is_one_near_the_own_weight_and_rises_to_either_side() -> None:
    found = efforts(0.2)
    assert found[:6] == [1.0] * 6
    assert found[6] == pytest.approx(1.6, abs=0.1) and found[7] == pytest.approx(4.3, abs=0.2)
    assert sorted(found) == found and found[10] > 60
    third = efforts(0.3)
    assert third[3] == 1.0 and all(one <= other for one, other in zip(third[5:], found[5:], strict=True))
    assert efforts(0.8)[0] == pytest.approx(found[10], rel=0.01)
    assert effort_of(Space(dimensions=8), np.ones(8, np.float32)) == 1.0


def test_more_candidates_and_more_visits_up_to_what_pgvector_takes() -> None:
    assert wider(Parameters(), 1.0) == Parameters()
    assert (wider(Parameters(), 2.5).ef_search, wider(Parameters(), 99.0).ef_search) == (200, options.MOST_EF_SEARCH)
    assert wider(Parameters(probes=10), 2.5).probes == 25
    query = NearestQuery(vector=np.ones(10, np.float32), filters=Filters(), depth=12, share=0.5)
    assert visits(Parameters(), [query], [12], 3.0) == 60_000
    unknown = NearestQuery(vector=np.ones(10, np.float32), filters=Filters(), depth=12)
    assert visits(Parameters(), [query, unknown], [12, 12], 3.0) == 300_000
    assert visits(Parameters(max_scan_tuples=2**31 - 1), [unknown], [12], 3.0) == options.MOST_SCAN_TUPLES


def plan(shop: Shop, weight: float, path: str) -> list[dict[str, object]]:
    how = weighing(shop.space, weight)
    vector = random_parted(1, seed=5)[0]
    query = NearestQuery(vector=how.query(vector), filters=Filters(), depth=20, parts=how.parts(vector))
    if path == "scan":
        settings, asked = (sql.EXACT_SETTINGS, {}), statements.scanning(shop.space, query, k=12, depth=20, scan=40)
    else:
        settings = statements.settings_of(Parameters())
        asked = statements.nearest(shop.space, query, k=12, depth=20)
    return list(nodes(ask(settings, [("EXPLAIN (ANALYZE, FORMAT JSON) " + asked[0], asked[1])])[0][0][0][0]["Plan"]))


@pytest.mark.django_db
def test_the_index_hands_out_what_is_scored_and_a_scan_reads_all() -> None:
    shop = Shop(make_parted_space())
    shop.add_many([(one[None], {}) for one in random_parted(1000)])
    vector_index().build(space=shop.space)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {partition_name(shop.space)}")
        cursor.execute("ANALYZE catalog_product")
    (scan,) = scans(plan(shop, ALPHA, "index"), partition_name(shop.space))
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", index_name(shop.space))
    (scan,) = scans(plan(shop, 1.0, "scan"), partition_name(shop.space))
    assert (scan["Node Type"], scan["Actual Rows"]) == ("Seq Scan", 1000)


@pytest.mark.django_db
@pytest.mark.parametrize("most", [0, 2_000_000])
def test_at_the_end_of_the_dial_all_are_compared_where_they_are_few(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """With none of them few enough, the index finds at least most of what there is: it looks at a thousand candidates."""
    monkeypatch.setattr(engine, "MOST_SCANNED", most)
    shop = parted_shop(*[(one, {"price": number}) for number, one in enumerate(random_parted(600, seed=3))])
    search = VectorSearch(vector_index(), exact_below=0, completes=False)
    how = weighing(shop.space, 1.0)
    for filters in (Filters(), filtering(min_price=300)):
        asking = random_parted(10, seed=7)
        queries = [SpaceQuery(vector=how.query(one), filters=filters, parts=how.parts(one)) for one in asking]
        pages = search.search_many(space=shop.space, queries=queries, k=10)
        expected = [expected_answer(shop, [one], filters, 1.0)[:10] for one in asking]
        found = [_share(page, wanted) for page, wanted in zip(pages, expected, strict=True)]
        assert np.mean(found) == 1.0 if most else np.mean(found) >= 0.95


def _share(page: Sequence[Hit], expected: Sequence[Expected]) -> float:
    ids = {one.image_id for one in expected}
    return len({hit.image_id for hit in page} & ids) / len(ids)
