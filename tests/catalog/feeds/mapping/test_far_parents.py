"""Variants far from their parents, before or behind them, in memory that does not grow with the feed."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from catalog.feeds.kept import Kept

PARENTS = 6_000
DESCRIPTION = "Warm and soft. " * 700  # ten kilobytes
MOST_GROWTH = 40 * 10**6  # bytes, of a feed of 60 MB; what is kept in memory is eight megabytes of SQLite's

READ = """
import json, os, sys
from pathlib import Path
import django
django.setup()
from catalog.feeds.mapping.applying import mapped
from catalog.feeds.mapping.shop import Context
from catalog.feeds.reading import open_feed
from recommender.bench.memory import most_megabytes

with open_feed(Path(sys.argv[1])) as feed:
    rows = mapped(feed.rows, Context(feed.again, feed.notices))
    before, count, whole = most_megabytes(), 0, 0
    for row in rows:
        count += 1
        whole += len(row.values["description"][0]) > 10_000 and row.values["item_group_id"][0] == "p" + row.values["id"][0][1:]
print(json.dumps({"count": count, "whole": whole, "grown": 1e6 * (most_megabytes() - before)}))
"""


def woocommerce(order: str) -> Iterable[list[str]]:
    parents = ([f"{n}", "variable", f"p{n}", f"Hoodie {n}", DESCRIPTION, "", ""] for n in range(PARENTS))
    children = ([f"{n + PARENTS}", "variation", f"c{n}", "", "", "9", f"id:{n}"] for n in range(PARENTS))
    yield ["ID", "Type", "SKU", "Name", "Description", "Regular price", "Parent"]
    for rows in (parents, children) if order == "parents first" else (children, parents):
        yield from rows


def magento(order: str) -> Iterable[list[str]]:
    parents = ([f"p{n}", "configurable", f"Hoodie {n}", DESCRIPTION, "", f"sku=c{n},size=S"] for n in range(PARENTS))
    children = ([f"c{n}", "simple", f"Hoodie {n} S", "", "9", ""] for n in range(PARENTS))
    yield ["sku", "product_type", "name", "description", "price", "configurable_variations"]
    for rows in (parents, children) if order == "parents first" else (children, parents):
        yield from rows


@pytest.mark.parametrize("order", ["parents first", "variants first"])
@pytest.mark.parametrize("export", [woocommerce, magento])
def test_variants_far_from_their_parents_inherit_in_bounded_memory(export: object, order: str, tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        assert callable(export)
        csv.writer(file).writerows(export(order))
    told = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout.splitlines()[-1])
    assert (found["count"], found["whole"]) == (PARENTS, PARENTS)
    assert found["grown"] < MOST_GROWTH


def test_what_is_kept_is_found_again_before_and_after_it_was_written() -> None:
    with Kept() as kept:
        for number in range(1_200):
            kept.put("number", str(number), [number])
            assert kept.get("number", str(number)) == [number]
        assert not kept.has("number", "1200")
        kept.put("number", "1200", None)
        kept.put("number", "7", ["seven"])
        assert [kept.get("number", "7"), kept.get("number", "8"), kept.get("word", "7")] == [["seven"], [8], None]
        assert kept.has("number", "1200")
