"""Recall of live answers, and of the ANN index by itself: the share of what exact search finds that they find."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from django.conf import settings
from django.db import connection
from numpy.typing import NDArray
from psycopg import sql

from catalog.filters.chosen import Filters
from recommender.encoder.stored_features import features_of
from recommender.index.partitions import partition_name
from recommender.index.registry import vector_index
from recommender.index.search import VectorSearch
from recommender.index.stored import vectors_of
from recommender.index.types import Hit, SpaceGone, SpaceQuery
from recommender.models import RecallSample, Space
from recommender.projection.apply import project

logger = logging.getLogger(__name__)

QUERIES = 100
K = 10
KEPT = 2000  # samples of a space; the oldest go
SHOWN = 50  # of them, in the status
POOLED = 20  # of them, from which the share of bad queries is told: one sample is too small for a share so low
_Z = 1.96  # of the 95 % interval around a share


@dataclass(frozen=True)
class WorstShare:
    """`share` of `queries` queries that found fewer than half of their true K; None of 0 queries."""

    share: float | None
    queries: int

    @property
    def at_least(self) -> float:
        """The lower end of the 95 % interval around the share (Wilson's score interval); 0 of no queries."""
        if self.share is None:
            return 0.0
        spread = _Z * math.sqrt(self.share * (1 - self.share) / self.queries + (_Z / (2 * self.queries)) ** 2)
        return max(0.0, (self.share + _Z**2 / (2 * self.queries) - spread) / (1 + _Z**2 / self.queries))


@dataclass(frozen=True)
class _Sampled:
    """A photo drawn as a query, with the product and variant group that are no answers to it."""

    image_id: int
    product_id: int
    group: str


@dataclass(frozen=True)
class Shares:
    """Of each query the share of its true K that was found. `answered`: as products are answered. `index_alone`: by the ANN
    index, which is not told whose vector asks, as it is not of a query photo that is not in the catalogue."""

    answered: list[float]
    index_alone: list[float]


def measure(space: Space, *, queries: int = QUERIES) -> RecallSample | None:
    """Ask a space as the storefront does and compare with exact search; None where it was retired meanwhile.

    The sample is kept as a point of the series. Logged as a warning: a recall below RECALL_WARN_BELOW; or that surely more than
    RECALL_WARN_WORST_ABOVE of the queries of the latest samples found fewer than half of what they should. Either may be good
    only because the index is made up for, at a cost, so the index alone is held to the same by the queries of this sample.
    """
    try:
        shares = shares_found(space, queries=queries)
    except SpaceGone:
        return None
    recall, worst = _mean(shares.answered), _worst(shares.answered)
    sample = RecallSample.objects.create(
        space_id=space.pk, recall=recall, queries=len(shares.answered), worst_share=worst.share
    )
    old = RecallSample.objects.filter(space_id=space.pk).order_by("-pk").values_list("pk", flat=True)[KEPT : KEPT + 1]
    if oldest := list(old):
        RecallSample.objects.filter(space_id=space.pk, pk__lte=oldest[0]).delete()
    if not _warned(f"space {space.name}", shares.answered, worst_share(space)):
        _warned(f"the index of space {space.name} by itself", shares.index_alone, _worst(shares.index_alone))
    return sample


def _warned(of: str, shares: Sequence[float], worst: WorstShare) -> bool:
    """Log a warning where these shares, or this share of bad queries, are beyond what the settings allow; whether one was."""
    recall = _mean(shares)
    if recall is not None and recall < settings.RECALL_WARN_BELOW:
        logger.warning(
            "recall@%d of %s is %.3f over %d photos, below %.2f: raise ef_search (or probes), or rebuild its index",
            K, of, recall, len(shares), settings.RECALL_WARN_BELOW,
        )  # fmt: skip
    elif worst.at_least > settings.RECALL_WARN_WORST_ABOVE:
        logger.warning(
            "%.2f %% of %d photos asked of %s found fewer than half of their true %d, above %.2f %%: raise ef_search"
            " (or probes), or rebuild its index",
            100 * (worst.share or 0.0), worst.queries, of, K, 100 * settings.RECALL_WARN_WORST_ABOVE,
        )  # fmt: skip
    else:
        return False
    return True


def recall_of(space: Space, *, queries: int = QUERIES) -> tuple[float | None, int]:
    """Mean recall@K of the ANN index by itself over random photos of the space, and how many asked: see `shares_found`."""
    shares = shares_found(space, queries=queries).index_alone
    return _mean(shares), len(shares)


def shares_found(space: Space, *, queries: int = QUERIES) -> Shares:
    """Of random photos of the space, asked as the storefront asks, the share of the true K that is found.

    A photo that the index leads elsewhere is asked again, as for the storefront. A short answer is not completed by exact search
    as it is there, which would hide an index that finds too little. Without a valid index the shares are 0. A hit as near as the K-th exact one counts, for it makes no
    difference which of several equally near photos is answered. Photos that have no true neighbour are left out.
    """
    index = VectorSearch(vector_index(), exact_below=0, completes=False)
    alive = vector_index().ready(space=space)
    sample = _sample(space, queries)
    vectors = query_vectors(space, [one.image_id for one in sample])
    asked = [
        SpaceQuery(
            vector=vectors[one.image_id],
            filters=Filters().excluding(products=[one.product_id], groups=[one.group]),
            own=None if space.augment else one.image_id,
        )
        for one in sample
        if one.image_id in vectors
    ]
    exact = index.search_many(space=space, queries=asked, k=K, exact=True)
    none: list[list[Hit]] = [[] for _ in asked]
    by_vector = [replace(one, own=None) for one in asked]
    return Shares(
        answered=_shares(exact, index.search_many(space=space, queries=asked, k=K) if alive else none),
        index_alone=_shares(exact, index.search_many(space=space, queries=by_vector, k=K) if alive else none),
    )


def _shares(exact_pages: Sequence[Sequence[Hit]], found_pages: Sequence[Sequence[Hit]]) -> list[float]:
    shares = []
    for exact, found in zip(exact_pages, found_pages, strict=True):
        if exact:
            farthest = exact[-1].distance
            shares.append(min(1.0, sum(hit.distance <= farthest for hit in found) / len(exact)))
    return shares


def _worst(shares: Sequence[float]) -> WorstShare:
    return WorstShare(_mean([share < 0.5 for share in shares]), len(shares))


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def query_vectors(space: Space, image_ids: Sequence[int]) -> Mapping[int, NDArray[np.float32]]:
    """The query vectors of photos by id, float32 (dimensions of the space,): never averaged with their neighbours."""
    if not space.augment:
        return vectors_of(space=space, image_ids=image_ids)
    known, features = features_of(space.encoder_id, image_ids)
    if not len(known):
        return {}
    return dict(zip(map(int, known), project(space, features), strict=True))


def series(space: Space) -> list[RecallSample]:
    """The newest SHOWN samples of a space, newest first."""
    return list(RecallSample.objects.filter(space_id=space.pk).order_by("-measured_at", "-pk")[:SHOWN])


def worst_share(space: Space) -> WorstShare:
    """Over the newest POOLED samples of a space that have one."""
    samples = RecallSample.objects.filter(space_id=space.pk, worst_share__isnull=False).order_by("-measured_at", "-pk")
    figures = list(samples.values_list("worst_share", "queries")[:POOLED])
    queries = sum(asked for _, asked in figures)
    bad = sum(round((share or 0.0) * asked) for share, asked in figures)
    return WorstShare(bad / queries if queries else None, queries)


def _sample(space: Space, count: int) -> list[_Sampled]:
    """Random photos of published products; of a large partition a random part of its pages is read, not all of it."""
    name = sql.Identifier(partition_name(space))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT greatest(reltuples, 0), relpages FROM pg_class WHERE oid = to_regclass(%s)", [partition_name(space)]
        )
        row = cursor.fetchone()
        if row is None:
            raise SpaceGone(f"space {space.name} has no partition")
        rows = row[0]
        part: sql.Composable = sql.SQL("")
        if rows > 50 * count:  # enough pages that few of the sampled rows share one
            part = sql.SQL("TABLESAMPLE SYSTEM ({})").format(sql.Literal(min(100.0, 2000.0 * count / rows)))
        cursor.execute(
            sql.SQL(
                "SELECT v.image_id, p.id, p.variant_group FROM {} v {} JOIN catalog_product p ON p.id = v.product_id"
                " WHERE p.published ORDER BY random() LIMIT %s"
            ).format(name, part),
            [count],
        )
        return [_Sampled(*one) for one in cursor.fetchall()]
