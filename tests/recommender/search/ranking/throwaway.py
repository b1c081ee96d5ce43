"""Steps of the tests: what somebody would write in a file of the room, and pass as one line more of the list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest

from catalog.filters.entries.stock import Stock
from recommender.index.search import VectorSearch
from recommender.search.ranking import diversity
from recommender.search.ranking.base import Candidates, Query, Step


class EverySecond(Step[None]):
    """Drops the second, fourth, … candidate."""

    def after(self, candidates: Candidates, *, query: Query, known: Mapping[int, None]) -> Candidates:
        return candidates[::2]


class Nothing(Step[None]):
    """Drops every candidate."""

    def after(self, candidates: Candidates, *, query: Query, known: Mapping[int, None]) -> Candidates:
        return ()


class OddProducts(Step[None]):
    """Drops products of an even id, wherever they stand."""

    def after(self, candidates: Candidates, *, query: Query, known: Mapping[int, None]) -> Candidates:
        return tuple(one for one in candidates if one.product_id % 2)


class InStockOnly(Step[None]):
    """A condition."""

    def before(self, query: Query) -> Sequence[Query]:
        return [stocked(query, True)]


class StockFirst(Step[None]):
    """Two tiers: what is in stock, then what is not."""

    def before(self, query: Query) -> Sequence[Query]:
        return [stocked(query, True), stocked(query, False)]


def stocked(query: Query, in_stock: bool) -> Query:
    filters = query.options.filters.having(Stock(in_stock))
    return replace(query, options=replace(query.options, filters=filters))


class Askings:
    """What the index was asked while a test looked: `depths` of searches, `queries` in each, `read` photos' vectors."""

    def __init__(self) -> None:
        self.depths: list[int] = []
        self.queries: list[int] = []
        self.read: list[int] = []


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Askings]:
    askings = Askings()
    search_many, vectors_of = VectorSearch.search_many, diversity.vectors_of

    def searched(self, *, queries, k, **rest):  # type: ignore[no-untyped-def]
        askings.depths.append(k)
        askings.queries.append(len(queries))
        return search_many(self, queries=queries, k=k, **rest)

    def read(*, image_ids, **rest):  # type: ignore[no-untyped-def]
        askings.read.append(len(image_ids))
        return vectors_of(image_ids=image_ids, **rest)

    with monkeypatch.context() as patched:
        patched.setattr(VectorSearch, "search_many", searched)
        patched.setattr(diversity, "vectors_of", read)
        yield askings
