"""The bench of the search on a small scale: its gallery, its truth, its words; and that it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from recommender.bench.search import dial, filters, graphs, peers, report, rules, worst
from recommender.bench.search import truth as search_truth
from recommender.bench.search.gallery import (
    COLOUR_DIMENSIONS,
    COLOUR_WEIGHT,
    DIMENSIONS,
    SHAPE_DIMENSIONS,
    SHARES,
    Gallery,
    generate,
)
from recommender.bench.search.own import BareConnection, curve, sizes
from recommender.bench.search.shop import write_shop
from recommender.evaluation.dial import TENTHS
from recommender.evaluation.recall import recall_of
from recommender.index.pgvector.options import Parameters
from recommender.merchandising.rules.in_force import rules_in_force
from recommender.models import ImageVector
from recommender.projection.apply import Projection, unit

COUNT = 2000


Seeds = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def seeds() -> Seeds:
    """Shapes and colours of 300 photos in twelve classes."""
    rng = np.random.default_rng(0)
    members = rng.integers(0, 12, 300)

    def part(dimensions: int) -> np.ndarray:
        rows = rng.normal(size=(12, dimensions))[members] + rng.normal(size=(300, dimensions))
        return (rows * np.linspace(1, 0.2, dimensions)).astype(np.float32)

    return part(SHAPE_DIMENSIONS), part(COLOUR_DIMENSIONS)


@pytest.fixture(scope="module")
def gallery(seeds: Seeds) -> Gallery:
    return generate(*seeds, COUNT)


def test_the_same_seed_gives_the_same_vectors(gallery: Gallery, seeds: Seeds) -> None:
    again = generate(*seeds, COUNT)
    assert np.array_equal(gallery.vectors, again.vectors) and np.array_equal(gallery.category, again.category)
    assert not np.array_equal(gallery.vectors, generate(*seeds, COUNT, seed=2).vectors)
    assert gallery.vectors.shape == (COUNT, DIMENSIONS)
    assert np.allclose(np.linalg.norm(gallery.vectors, axis=1), 1, atol=1e-3)
    assert len({row.tobytes() for row in gallery.vectors}) == COUNT


def test_vectors_stay_in_the_neighbourhoods_of_the_seeds_part_by_part(gallery: Gallery, seeds: Seeds) -> None:
    nearest = []
    for rows, part in zip(seeds, (np.s_[:SHAPE_DIMENSIONS], np.s_[SHAPE_DIMENSIONS:]), strict=True):
        likeness = unit(gallery.vectors[:, part]) @ unit(rows).T
        at_random = unit(np.random.default_rng(1).normal(size=(200, rows.shape[1])).astype(np.float32)) @ unit(rows).T
        assert np.median(likeness.max(axis=1)) > 0.6 > np.median(at_random.max(axis=1))
        nearest.append(likeness.argmax(axis=1))
    lengths = (gallery.vectors[:, SHAPE_DIMENSIONS:] ** 2).sum(axis=1)
    assert lengths == pytest.approx(COLOUR_WEIGHT, abs=1e-3)
    # Some products have the colours of their shape, others do not; one of three photos that are mixed is the nearest. By chance: .003.
    assert 0.03 < np.mean(nearest[0] == nearest[1]) < 0.5


def test_categories_have_their_shares_and_follow_the_vectors(gallery: Gallery) -> None:
    for share in SHARES:
        counts = [len(gallery.members[i]) for i, node in enumerate(gallery.nodes) if node.share == share]
        assert all(abs(count - COUNT * share / 100) <= 2 for count in counts), share
    everyone = np.arange(COUNT)
    nodes = [gallery.own_category(number, 10.0) for number in everyone]
    assert None not in nodes
    same = [nodes[number] == nodes[int(search_truth.nearest(gallery, number, 1)[0])] for number in range(0, COUNT, 20)]
    assert np.mean(same) > 0.3  # by chance: .1
    assert sum(gallery.own_category(number, 2.0) is None for number in everyone) == pytest.approx(COUNT / 5, abs=20)


def test_truth_is_brute_force(gallery: Gallery) -> None:
    mask = gallery.price < 100
    found = search_truth.nearest(gallery, 5, 10, mask)
    values = gallery.vectors @ gallery.vectors[5]
    values[5] = -np.inf
    expected = [number for number in np.argsort(-values) if mask[number]][:10]
    assert list(found) == expected
    assert search_truth.recall([expected[0], 10**6], found) == 0.1


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_the_shop_is_written_and_measured(gallery: Gallery, tmp_path: Path) -> None:
    shape = Projection(mean=np.zeros(300, np.float32), matrix=np.eye(300, SHAPE_DIMENSIONS, dtype=np.float32))
    colour = Projection(mean=np.zeros(196, np.float32), matrix=np.eye(196, COLOUR_DIMENSIONS, dtype=np.float32))
    space, seconds = write_shop(gallery, shape, colour, lambda text: None)
    assert ImageVector.objects.filter(space=space).count() == COUNT and set(seconds) >= {"building the index"}
    queries = list(range(0, 400, 10))
    truth = [search_truth.nearest(gallery, number, 10) for number in queries]
    points = curve(space, gallery, queries, truth)
    assert points[-1]["recall"] >= 0.99 and [point["ef"] for point in points] == list(peers.EFS)
    judged = worst.measure(space, gallery, queries=600)
    assert (judged["queries"], judged["worst"]) == (600, 0) and judged["recall"] >= 0.99
    assert judged["index_alone"]["queries"] == 600 and judged["index_alone"]["recall"] <= judged["recall"]
    measured = dial.measure(space, gallery, queries[:15], list(range(0, 200, 2)))
    assert [one["weight"] for one in measured["tenths"]] == list(TENTHS)
    assert all(one["recall"] >= 0.95 for one in measured["tenths"]), measured
    assert 0.3 < measured["own_over_plain_p50"] < 3
    space.refresh_from_db()
    assert space.colour_dimensions == COLOUR_DIMENSIONS
    ruled = rules.measure(gallery, queries[:15], list(range(0, 200, 2)))
    assert ruled["stock_first"]["recall"] >= 0.95 and 0.3 < ruled["stock_first_over_none_p50"] < 3
    assert not rules_in_force().rules
    value, _ = recall_of(space, queries=20)
    assert value is not None and value >= 0.95
    rows = filters.measure(lambda path: Client().get(path).content, gallery, queries, queries)
    assert [(row["filter"], row["per_cent"]) for row in rows][:2] == [("none", 100.0), ("category", 50.0)]
    assert len(rows) == 1 + 3 * len(SHARES) + len(filters.RANGE_SHARES)
    assert all(row["short_pages"] == 0 and row["recall"] >= 0.95 for row in rows), rows
    assert len(BareConnection(space).seconds(queries[:3])) == 3
    assert 300 < sizes(space)["index_bytes"] / COUNT < 1200
    thin, thick = graphs.measure(space, gallery, ["2/4", "16/64"], lambda text: None, efs=[40], queries=300)
    assert (thin["m"], thin["ef_construction"], thin["ef_search"]) == (2, 4, 40)  # a graph as thin as can be
    assert thin["worst_share"] > 0.3 and thin["recall"] < 0.7 and thin["bytes_a_photo"] < thick["bytes_a_photo"]
    assert (thick["queries"], thick["worst"]) == (300, 0)


@pytest.mark.parametrize("name", ["hnswlib", "faiss", "annoy"])
def test_a_peer_is_measured_where_it_is_installed(gallery: Gallery, tmp_path: Path, name: str) -> None:
    queries = list(range(0, 100, 5))
    truth = [search_truth.nearest(gallery, number, 10) for number in queries]
    try:
        row = peers.measure(name, gallery.vectors, queries, truth, tmp_path)
    except peers.PeerMissing as error:
        pytest.skip(str(error))
    assert row["engine"] == name and row["bytes"] > 0 and row["curve"][-1]["recall"] >= 0.95
    assert row["curve"][0]["p50_ms"] <= row["curve"][-1]["p50_ms"] * 2


def result() -> dict[str, Any]:
    """A run as the bench writes it, with round numbers."""
    point = {"ef": Parameters().ef_search, "p50_ms": 1.0, "p99_ms": 2.0, "per_second": 1000, "recall": 0.98}
    figures = {"p50_ms": 1.0, "p99_ms": 2.0, "answers": 10, "per_second": 4000}
    row = {"filter": "price", "per_cent": 5.0, "p50_ms": 2.0, "p99_ms": 8.0, "recall": 0.9, "short_pages": 0}
    run = {
        "vectors": 100_000,
        "dimensions": 256,
        "nearest_cosine_median": 0.8,
        "seconds": {"building the index": 20.0},
        "space": {"index_bytes": 83_000_000, "partition_bytes": 160_000_000},
        "bytes_of_index_a_photo": 830.0,
        "engines": [{"engine": "pgvector (ours)", "build_seconds": 20.0, "bytes": 83_000_000, "curve": [point]}],
        "dial": {
            "own_weight": 0.2, "own": point, "plain": point, "own_over_plain_p50": 1.2,
            "tenths": [{"weight": 0.0, **point}, {"weight": 1.0, **point, "recall": 0.9}],
        },
        "rules": {"stock_first": point, "none": point, "stock_first_over_none_p50": 1.1},
        "worst": {
            "queries": 20_000, "recall": 0.997, "worst": 12, "worst_share": 0.0006, "found": [8, 4, *[0] * 7, 50, 19938],
            "index_alone": {
                "queries": 20_000, "recall": 0.996, "worst": 20, "worst_share": 0.001, "found": [20, *[0] * 8, 50, 19930],
            },
        },
        "graphs": [
            {
                "m": 20, "ef_construction": 128, "ef_search": 120, "recall": 0.999, "worst_share": 0.0004, "p50_ms": 1.5,
                "p99_ms": 3.0, "bytes_a_photo": 880.0, "build_seconds": 40.0,
            }
        ],
        "skipped_peers": {"annoy": "annoy is not installed"},
        "filters": [
            {**row, "filter": "none", "per_cent": 100.0, "p99_ms": 2.0, "recall": 0.99, "p99_over_unfiltered": 1.0},
            {**row, "p99_over_unfiltered": 4.0},
        ],
        "http": {
            "cold": figures, "bare_sql": figures, "cold_over_bare_p50": 1.0, "hot": figures, "hot_over_peer": 1.1,
            "peer": {"per_second": 3600, "recall": 0.98},
        },
    }  # fmt: skip
    return {"date": "2026-01-01", "machine": "2 cores", "seeds": "photos", "command": "bench search", "runs": [run]}


def test_missed_targets_are_said() -> None:
    shown = result()
    shown["targets"] = report.targets(shown["runs"])
    missed = [one["target"] for one in shown["targets"] if not one["met"]]
    assert missed == [
        "100,000: worst filtered p99 / unfiltered (price 5 %)",
        "100,000: least recall@10 under a filter (price 5 %)",
        "100,000: per cent of 20,000 products that found fewer than half of their true ten",
        "100,000: least recall@10 on the dial (color_weight 1)",
        "100,000: cold p50 at the space's own weight / without parts",
    ]
    page = report.markdown(shown, plot="plot.png")
    assert "| 100,000 | 0.980 | 1.00 | 1.00 | 1.1 |" in page
    assert "| 100,000: hot answers a second / FastAPI + hnswlib | 1.1 | ≥ 1 | yes |" in page
    assert (
        "| 100,000: per cent of 20,000 products that found fewer than half of their true ten | 0.06 | ≤ 0.05 | **no** |"
        in page
    )
    assert "| 100,000 | products | 20,000 | 0.9970 | 8 | 4 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 50 | 19938 | 0.060 % |" in page
    assert "| the index alone | 20,000 | 0.9960 | 20 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 50 | 19930 | 0.100 % |" in page
    assert "| 100,000 | 20 | 128 | 120 | 0.9990 | 0.040 % | 1.50 | 3.00 | 880 | 40 |" in page
    assert "| price | 5 | 2.00 | 8.00 | 4 | 0.900 | 0 |" in page and "annoy is not installed" in page
    assert "| 100,000 | 1 | 0.900 | 1.00 | 2.00 |" in page and "| 100,000 | 0.2 | 1.00 | 1.00 | 1.2 |" in page


def test_the_plot_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    report.draw(result()["runs"], tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("--vectors=10", "at least 1000"),
        ("--vectors=x", "whole numbers"),
        ("--peers=milvus,lucene", "'lucene' is no peer"),
        ("--graphs=16", "'16': m/ef_construction is needed"),
        ("--graphs=16/64,40/64", "40/64: ef_construction=64 must be at least 2 × m"),
    ],
)
def test_bad_arguments_are_named(db: None, argument: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("bench", "search", argument)
