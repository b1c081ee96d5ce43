"""The index built with other parameters: what each graph costs, and the worst queries of the index alone by ef_search."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from catalog.filters.chosen import Filters
from recommender.bench.search import worst
from recommender.bench.search.gallery import Gallery
from recommender.bench.search.peers import summary
from recommender.index.registry import vector_index
from recommender.index.search import vector_search
from recommender.models import Space

EFS = (40, 80, 160)
TIMED = 400  # queries, one at a time


def measure(
    space: Space,
    gallery: Gallery,
    graphs: Sequence[str],
    say: Callable[[str], object],
    *,
    efs: Sequence[int] = EFS,
    queries: int = worst.QUERIES,
) -> list[dict[str, Any]]:
    """One row for each graph, `m/ef_construction`, and ef_search. The last graph stays."""
    if not graphs:
        return []
    asking, farthest = worst.draw(gallery, queries=queries)
    rows = []
    for graph in graphs:
        say(f"the graph of m/ef_construction {graph}")
        m, ef_construction = map(int, graph.split("/"))
        space.parameters = {"m": m, "ef_construction": ef_construction}
        vector_index().drop(space=space)
        began = time.perf_counter()
        vector_index().build(space=space)
        built = {
            "m": m,
            "ef_construction": ef_construction,
            "build_seconds": round(time.perf_counter() - began, 1),
            "bytes_a_photo": round(vector_index().sizes(space=space).index_bytes / len(gallery), 1),
        }
        for ef in efs:
            space.parameters = {**space.parameters, "ef_search": ef}
            found = worst.answers(space, gallery.vectors, asking, by_vector=True)
            judged = worst.verdict(gallery.vectors, asking, found, farthest)
            rows.append(built | {"ef_search": ef} | judged | summary(_seconds(space, gallery, asking[:TIMED].tolist())))
    return rows


def _seconds(space: Space, gallery: Gallery, numbers: Sequence[int]) -> list[float]:
    """Of each query, asked once before."""
    search, seconds = vector_search(), []
    for number in [*numbers, *numbers]:
        filters = Filters().excluding(products=[number + 1])
        began = time.perf_counter()
        search.search(space=space, vector=gallery.vectors[number], filters=filters, k=worst.K)
        seconds.append(time.perf_counter() - began)
    return seconds[len(numbers) :]
