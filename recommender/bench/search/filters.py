"""Filters over HTTP: correlated with the query (its own category) and not (price, an attribute's value or range), by selectivity."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import numpy as np
import orjson
from numpy.typing import NDArray

from recommender.bench.search.gallery import SHARES, Gallery
from recommender.bench.search.shop import NUMBER, attribute, slug
from recommender.bench.search.truth import likeness, nearest_by, recall

K = 10
LIMIT = 12
KINDS = ("category", "price", "attribute")
RANGE_SHARES = (2.0, 0.1)  # of ranges of an attribute, which come after the others

Mask = NDArray[np.bool_]
Cell = tuple[str, float]
Passing = Callable[[], Mask]  # which products pass, a mask of its own at each call
Query = tuple[dict[str, list[str]], Passing]  # the query string's parameters, and who passes
Ask = Callable[[str], bytes]  # a path → the body of the answer


def over_http(port: int, headers: Mapping[str, str]) -> Ask:
    """One connection that is kept. `headers`: of each request, beside its host. Raises RuntimeError for an answer that is not 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(path: str) -> bytes:
        connection.request("GET", path, headers={"Host": "localhost", **headers})
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path} was answered with {response.status}: {body[:300]!r}")
        return body

    return ask


def measure(ask: Ask, gallery: Gallery, queries: Sequence[int], judged: Sequence[int]) -> list[dict[str, Any]]:
    """One row for no filter and one for each kind and share: latency with everything included, recall@10, full pages.

    Timed: from the request to the answer, so with the category's look-up, the choice of a path and the products' fields. All
    queries are asked in one random order, as in mixed traffic: no filter gains from a page that another read just before,
    and whatever else the machine does slows all of them alike.
    """
    cells: list[Cell] = [
        ("none", 100.0),
        *((kind, share) for kind in KINDS for share in SHARES),
        *(("range", share) for share in RANGE_SHARES),
    ]
    seconds: dict[Cell, list[float]] = {cell: [] for cell in cells}
    recalls: dict[Cell, list[float]] = {cell: [] for cell in cells}
    short = dict.fromkeys(cells, 0)
    answered: dict[int, list[tuple[Cell, Passing, list[int]]]] = {number: [] for number in judged}
    rng = np.random.default_rng(4)
    for number in queries[:50]:
        ask(_path(number, {"limit": ["13"]}))
    pairs = [(number, cell) for number in queries for cell in cells]
    for place in rng.permutation(len(pairs)):
        number, cell = pairs[place]
        query = _query(gallery, number, cell, rng)
        if query is None:
            continue
        parameters, passing = query
        began = time.perf_counter()
        body = ask(_path(number, parameters))
        seconds[cell].append(time.perf_counter() - began)
        if number in answered:
            found = [result["product"]["id"] - 1 for result in orjson.loads(body)["results"]]
            answered[number].append((cell, passing, found))
    for number, answers in answered.items():  # afterwards: brute force would empty the caches for whoever is next
        values = likeness(gallery, number)
        for cell, passing, found in answers:
            mask = passing()
            mask[number] = False
            true = nearest_by(values, LIMIT, mask)
            recalls[cell].append(recall(found[:K], true[:K]))
            short[cell] += len(found) < len(true)
    rows: list[dict[str, Any]] = []
    for kind, share in cells:
        p50, p99 = np.percentile(seconds[kind, share], [50, 99]) * 1000
        rows.append(
            {
                "filter": kind,
                "per_cent": share,
                "queries": len(seconds[kind, share]),
                "p50_ms": round(float(p50), 3),
                "p99_ms": round(float(p99), 3),
                "recall": round(float(np.mean(recalls[kind, share])), 4),
                "short_pages": short[kind, share],
            }
        )
    unfiltered = rows[0]["p99_ms"]
    for row in rows:
        row["p99_over_unfiltered"] = round(row["p99_ms"] / unfiltered, 2)
    return rows


def _path(number: int, parameters: dict[str, list[str]]) -> str:
    return f"/api/v1/products/{number + 1}/similar/?{urlencode(parameters, doseq=True)}"


def _query(gallery: Gallery, number: int, cell: Cell, rng: np.random.Generator) -> Query | None:
    """Parameters as a caller writes them, and which products pass. None where the product has no such category."""
    kind, share = cell
    if kind == "none":
        return {"limit": [str(LIMIT)]}, lambda: np.ones(len(gallery), bool)
    if kind == "category":
        node = gallery.own_category(number, share)
        if node is None:
            return None

        def inside() -> Mask:
            mask = np.zeros(len(gallery), bool)
            mask[gallery.members[node]] = True
            return mask

        return {"category": [slug(node)]}, inside
    if kind in ("price", "range"):
        low, high, least, most = _bounds(share, rng)
        if kind == "price":
            return {"min_price": [least], "max_price": [most]}, lambda: _between(gallery.price, low, high)
        names = f"attr.{NUMBER}.min", f"attr.{NUMBER}.max"
        return dict(zip(names, ([least], [most]), strict=True)), lambda: _between(gallery.weight, low, high)
    bucket = int(gallery.buckets[share][number])
    return {f"attr.{attribute(share)}": [f"v{bucket}"]}, lambda: gallery.buckets[share] == bucket


def _bounds(share: float, rng: np.random.Generator) -> tuple[float, float, str, str]:
    """Bounds in which that share of the numbers from 0 to 1000 is, as numbers and as a caller writes them."""
    width = 10 * share
    low = round(float(rng.uniform(0, 1000 - width)), 2)
    high = round(low + width, 2)
    return low, high, f"{low:.2f}", f"{high:.2f}"


def _between(values: NDArray[np.float64], low: float, high: float) -> Mask:
    return (values >= low - 1e-9) & (values <= high + 1e-9)
