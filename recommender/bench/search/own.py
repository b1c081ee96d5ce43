"""The product's own search in the bench: recall and latency by ef_search, its statements on a bare connection, sizes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psycopg
from django.db import connection

from catalog.filters.chosen import Filters
from recommender.bench.search.gallery import Gallery
from recommender.bench.search.peers import EFS, mean_recall, summary
from recommender.bench.search.truth import Numbers
from recommender.halfvec import halfvec_type
from recommender.index.base import NearestQuery
from recommender.index.pgvector import statements
from recommender.index.pgvector.options import Parameters
from recommender.index.registry import vector_index
from recommender.index.routes import SLACK
from recommender.index.search import vector_search
from recommender.models import Space
from recommender.search import products as hydration
from recommender.search import query_products

K = 10
LIMIT = 12


def curve(
    space: Space, gallery: Gallery, queries: Sequence[int], truth: Sequence[Numbers], *, more: Sequence[int] = ()
) -> list[dict[str, Any]]:
    """recall@10 and latency of VectorSearch.search by ef_search, the query's own product left out.

    `truth`: of the first queries. `more`: queries that are timed, too; all of them are asked once before.
    """
    search = vector_search()
    points = []
    for ef in (EFS[-1], *EFS):  # the first round warms up
        space.parameters = {"ef_search": ef}
        found, seconds = [], []
        for number in [*queries, *more]:
            filters = Filters().excluding(products=[number + 1])
            began = time.perf_counter()
            hits = search.search(space=space, vector=gallery.vectors[number], filters=filters, k=K)
            seconds.append(time.perf_counter() - began)
            found.append([hit.product_id - 1 for hit in hits])
        points.append({"ef": ef} | summary(seconds) | {"recall": mean_recall(found[: len(queries)], truth)})
    space.parameters = {}
    return points[1:]


class BareConnection:
    """The statements of one cold answer, prepared, on a connection of their own: no web server, no Django, no JSON."""

    def __init__(self, space: Space) -> None:
        self._space = space
        connection.ensure_connection()
        raw = connection.connection
        self._raw = psycopg.connect(raw.info.dsn, password=raw.info.password or None, autocommit=True)
        halfvec_type(self._raw)
        self._photos = query_products.statement(space)

    def seconds(self, numbers: Sequence[int]) -> list[float]:
        """Seconds of each product's answer."""
        found = []
        for number in numbers:
            began = time.perf_counter()
            self._answer(number + 1)
            found.append(time.perf_counter() - began)
        return found

    def _answer(self, product_id: int) -> None:
        values = {
            "encoder": self._space.encoder_id, "image": None, "photos": 1, "products": [product_id], "unpublished": False,
        }  # fmt: skip
        row = self._raw.execute(self._photos, values, prepare=True, binary=True).fetchone()
        assert row is not None
        filters = Filters().excluding(products=[product_id])
        query = NearestQuery(vector=row[4], filters=filters, depth=LIMIT + SLACK, own=row[3])
        text, parameters = statements.nearest(self._space, query, k=LIMIT, depth=query.depth)
        with self._raw.pipeline():
            self._raw.execute("BEGIN READ ONLY", prepare=True)
            self._raw.execute(*statements.settings_of(Parameters()), prepare=True)
            hits = self._raw.execute(text, parameters, prepare=True, binary=True)
            self._raw.execute("COMMIT", prepare=True)
        images = [image_id for _, _, image_id, *_ in hits.fetchall()]
        self._raw.execute(hydration.PRODUCTS, [images], prepare=True).fetchall()


def sizes(space: Space) -> dict[str, int]:
    sizes = vector_index().sizes(space=space)
    return {"index_bytes": sizes.index_bytes, "partition_bytes": sizes.total_bytes}


def write_peer(folder: Path, gallery: Gallery, engines: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """What the peer's server needs; its ef is the least that reaches our recall. None where hnswlib was not measured."""
    if not (folder / "index.hnsw").exists():
        return None
    by_name = {engine["engine"]: engine["curve"] for engine in engines}
    default = Parameters().ef_search
    ours = next(point["recall"] for point in by_name["pgvector (ours)"] if point["ef"] == default)
    enough = [point for point in by_name["hnswlib"] if point["recall"] >= ours]
    chosen = min(enough, key=lambda point: point["ef"]) if enough else by_name["hnswlib"][-1]
    np.save(folder / "vectors.npy", gallery.vectors.astype(np.float16))
    with (folder / "products.jsonl").open("wb") as file:
        for start in range(0, len(gallery), 2000):
            images = range(start + 1, min(start + 2000, len(gallery)) + 1)
            products = hydration.products_by_image(images)
            file.write(b"".join(orjson.dumps(products[image]) + b"\n" for image in images))
    return {
        "server": "FastAPI + hnswlib in process, uvicorn",
        "ef": chosen["ef"],
        "recall": chosen["recall"],
        "our_recall": ours,
    }
