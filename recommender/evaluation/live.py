"""How good the storefront's answers are now: each photo is a query for all others, by index, exact search and colour histogram.

Nothing is held out here, so a learned space looks better than it is on classes it was fitted on: `judging.judge` compares
spaces fairly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from catalog.filters.chosen import Filters
from recommender.encoder.stored_features import features_of
from recommender.evaluation.histogram import colour_histograms
from recommender.evaluation.labels import LabelledPhotos, read_photos
from recommender.evaluation.rank import Contestant, relevant_of, score, scored
from recommender.evaluation.scores import K, Scores, scores_of
from recommender.index.registry import vector_index
from recommender.index.search import VectorSearch
from recommender.index.types import SpaceQuery
from recommender.models import Space
from recommender.progress import Progress, silent
from recommender.projection.apply import project

MOST_QUERIES = 2000
# The colour histogram is compared with this many photos at most; beyond, figures of the histogram are of a sample.
MOST_HISTOGRAMS = 20_000
_BATCH = 64
_SEED = 11


@dataclass(frozen=True, eq=False)
class LiveScores:
    """`scores` by way of asking: index, exact, histogram; one row a query photo (`image_ids`, `groups` int64).

    Of several labels by their conjunction; `each_label`: the same answers by each.
    """

    labels: str
    photos: int
    image_ids: NDArray[np.int64]
    groups: NDArray[np.int64]
    scores: Mapping[str, Scores]
    each_label: Mapping[str, Mapping[str, Scores]] = field(default_factory=dict)


def live_scores(
    space: Space, *, labels: str = "category", most: int = MOST_QUERIES, progress: Progress = silent
) -> LiveScores:
    """Ask with every labelled photo of a published product, or with `most` of them drawn by a fixed seed.

    An answer is relevant when its product has the query's class; the query's own product, variant group and products
    that share its file are no answers. Raises UnknownLabels.
    """
    photos = searchable(read_photos(encoders=[space.encoder_id], labels=labels))
    firsts = first_of_groups(photos)
    asking = np.flatnonzero(photos.classes >= 0)
    asking = asking[relevant_of(asking, photos.classes, photos.groups, firsts) > 0]
    queries = np.sort(np.random.default_rng(_SEED).permutation(asking)[:most])
    if not len(queries):
        return LiveScores(labels, len(photos), photos.image_ids[:0], photos.groups[:0], {})
    scores: dict[str, dict[str, Scores]] = {one.label: {} for one in photos.each}
    by_conjunction: dict[str, Scores] = {}
    for way in ("index", "exact"):
        products = _answers(space, photos, queries, exact=way == "exact", progress=progress)
        by_conjunction[way] = _scored(products, photos, photos.classes, queries, firsts)
        for one in photos.each:
            scores[one.label][way] = _scored(products, photos, one.classes, queries, firsts)
    sample, rows = _with_histograms(photos, queries)
    ranked = _by_colours(sample, rows, progress)
    by_conjunction["histogram"] = ranked
    for one in sample.each:
        by_one = scored(ranked.ranked, queries=rows, classes=one.classes, groups=sample.groups)
        scores[one.label]["histogram"] = by_one
    return LiveScores(
        labels, len(photos), photos.image_ids[queries], photos.groups[queries], by_conjunction, each_label=scores
    )


def searchable(photos: LabelledPhotos) -> LabelledPhotos:
    """Those of published products."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM catalog_product WHERE published")
        published = np.array(cursor.fetchall(), np.int64).reshape(-1)
    return photos.taken(np.isin(photos.product_ids, published))


def first_of_groups(photos: LabelledPhotos) -> NDArray[np.bool_]:
    """The first photo of each product group: an answer holds a group once, so it is relevant once."""
    first = np.zeros(len(photos), bool)
    first[np.unique(photos.groups, return_index=True)[1]] = True
    return first


def _answers(
    space: Space, photos: LabelledPhotos, queries: NDArray[np.int64], *, exact: bool, progress: Progress
) -> NDArray[np.int64]:
    """Product ids int64 (queries, 50), -1 beyond the last answer."""
    index = VectorSearch(vector_index(), exact_below=0)
    products = np.full((len(queries), K), -1, np.int64)
    excluded = _members(photos)
    for start in range(0, len(queries), _BATCH):
        batch = queries[start : start + _BATCH]
        known, features = features_of(space.encoder_id, photos.image_ids[batch])
        vectors = dict(zip(known.tolist(), project(space, features), strict=True)) if len(known) else {}
        asked = [row for row in range(len(batch)) if int(photos.image_ids[batch[row]]) in vectors]
        space_queries = [
            SpaceQuery(
                vector=vectors[int(photos.image_ids[batch[row]])],
                filters=Filters().excluding(products=excluded[int(photos.groups[batch[row]])]),
                own=None if space.augment else int(photos.image_ids[batch[row]]),
            )
            for row in asked
        ]
        found = index.search_many(space=space, queries=space_queries, k=K, exact=exact)
        for row, hits in zip(asked, found, strict=True):
            products[start + row, : len(hits)] = [hit.product_id for hit in hits]
        progress("exact search" if exact else "asking the index", start + len(batch), len(queries))
    return products


def _members(photos: LabelledPhotos) -> dict[int, tuple[int, ...]]:
    """Product ids of each duplicate group."""
    members: dict[int, set[int]] = {}
    for group, product in zip(photos.groups.tolist(), photos.product_ids.tolist(), strict=True):
        members.setdefault(group, set()).add(product)
    return {group: tuple(sorted(products)) for group, products in members.items()}


def _scored(
    products: NDArray[np.int64],
    photos: LabelledPhotos,
    classes: NDArray[np.int32],
    queries: NDArray[np.int64],
    firsts: NDArray[np.bool_],
) -> Scores:
    """The scores of answers by one labelling of the photos; `products`: as of `_answers`."""
    by_product = dict(zip(photos.product_ids.tolist(), classes.tolist(), strict=True))
    answered = np.array([[by_product.get(product, -1) for product in row] for row in products.tolist()], np.int32)
    hits = answered == classes[queries][:, None]
    return scores_of(hits, relevant_of(queries, classes, photos.groups, firsts), products)


def _with_histograms(photos: LabelledPhotos, queries: NDArray[np.int64]) -> tuple[LabelledPhotos, NDArray[np.int64]]:
    """Photos whose colour histograms are compared, the queries among them, and where those stand there."""
    chosen = np.zeros(len(photos), bool)
    chosen[np.random.default_rng(_SEED).permutation(len(photos))[:MOST_HISTOGRAMS]] = True
    chosen[queries] = True
    sample = photos.taken(chosen)
    return sample, np.searchsorted(sample.image_ids, photos.image_ids[queries])


def _by_colours(sample: LabelledPhotos, queries: NDArray[np.int64], progress: Progress) -> Scores:
    """The same queries to colour histograms."""
    contestant = Contestant("histogram", colour_histograms(sample.image_ids, progress=progress))
    return score(contestant, queries=queries, classes=sample.classes, groups=sample.groups)
