"""Near-duplicates: candidates from the index, judged on plain features, confirmed by a perceptual hash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from recommender.index.partitions import partition_name
from recommender.index.search import vector_search
from recommender.index.session import rows
from recommender.index.types import Hit, SpaceQuery
from recommender.models import Space
from recommender.pictures.hashes import SAME_WITHIN_BITS, UnreadablePhoto, bits_apart, photo_hashes
from recommender.projection.apply import unit
from recommender.search.answers import Answer
from recommender.search.filters import SearchOptions, excluding
from recommender.search.query_products import query_product
from recommender.search.ranking.base import Candidate
from recommender.search.ranking.group import variant_groups
from recommender.search.space import current_space, in_active_space

CANDIDATES = 10
MOST_CANDIDATES = 640
BATCH = 100


@dataclass(frozen=True, kw_only=True)
class _Photo:
    image_id: int
    product_id: int
    group: str
    vector: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class DuplicatePair:
    """Two photos of different products that show the same; `cosine` of plain features, `bits` between their hashes."""

    image_id: int
    product_id: int
    other_image_id: int
    other_product_id: int
    cosine: float
    bits: int


@dataclass(frozen=True, kw_only=True)
class DuplicatesFound:
    """`photos` were looked at since the last report; `unreadable` ones could not be confirmed."""

    photos: int
    pairs: Sequence[DuplicatePair]
    unreadable: Sequence[UnreadablePhoto]


@in_active_space
def duplicates_of(*, product_id: int, threshold: float, options: SearchOptions) -> Answer:
    """Products with a photo that shows what one of this product's shows; best first, score the cosine of plain features.

    One of each variant group, never the product itself or another of its group. Raises UnknownProduct, NoActiveSpace.
    """
    space = current_space()
    product = query_product(space=space, product_id=product_id, every_photo=True)
    query = {"product": product_id, "image": "all"}
    photos = [
        _Photo(image_id=photo.image_id, product_id=product_id, group=product.group, vector=photo.vector)
        for photo in product.photos
    ]
    pairs, _ = _confirmed(_alike(space, photos, threshold, options))
    groups = variant_groups({pair.other_product_id for pair in pairs})
    best: dict[int | str, Candidate] = {}
    for pair in sorted(pairs, key=lambda one: (-one.cosine, one.other_image_id)):
        found = Candidate(pair.other_image_id, pair.other_product_id, pair.cosine, 1 - pair.cosine, shape=pair.cosine)
        best.setdefault(groups.get(pair.other_product_id, pair.other_product_id), found)
    return Answer(
        status=product.status,
        space=space,
        exact=options.exact,
        query=query,
        found=tuple(best.values())[: options.limit],
        reason=product.reason,
        detail=product.detail,
    )


def all_duplicates(*, threshold: float) -> Iterator[DuplicatesFound]:
    """Every pair of photos of different products (and groups) of the active space, batch by batch, each pair once.

    Raises NoActiveSpace, SpaceGone.
    """
    space = current_space()
    told: set[tuple[int, int]] = set()
    for photos in _batches(space):
        fresh = []
        for one, other, cosine in _alike(space, photos, threshold, SearchOptions()):
            key = (min(one.image_id, other.image_id), max(one.image_id, other.image_id))
            if key not in told:
                told.add(key)
                fresh.append((one, other, cosine))
        pairs, unreadable = _confirmed(fresh)
        yield DuplicatesFound(photos=len(photos), pairs=pairs, unreadable=unreadable)


_Alike = tuple[_Photo, Hit, float]


def _alike(space: Space, photos: Sequence[_Photo], threshold: float, options: SearchOptions) -> list[_Alike]:
    """Photos and hits whose plain features are at least that alike; more are asked for as long as all of them are."""
    found: list[_Alike] = []
    count = CANDIDATES
    while photos:
        queries = [
            SpaceQuery(
                vector=photo.vector,
                filters=excluding(options, products=[photo.product_id], groups=[photo.group]).filters,
            )
            for photo in photos
        ]
        pages = vector_search().search_many(space=space, queries=queries, k=count, exact=options.exact)
        features = _features(space, {hit.image_id for page in pages for hit in page} | {one.image_id for one in photos})
        crowded = []
        for photo, page in zip(photos, pages, strict=True):
            judged = [
                (photo, hit, float(features[photo.image_id] @ features[hit.image_id]))
                for hit in page
                if hit.image_id in features and photo.image_id in features
            ]
            alike = [one for one in judged if one[2] >= threshold]
            if len(alike) == count < MOST_CANDIDATES:
                crowded.append(photo)
            else:
                found += alike
        photos, count = crowded, count * 4
    return found


def _confirmed(alike: Sequence[_Alike]) -> tuple[list[DuplicatePair], Sequence[UnreadablePhoto]]:
    hashes, unreadable = photo_hashes({image for one, hit, _ in alike for image in (one.image_id, hit.image_id)})
    pairs = []
    for one, hit, cosine in alike:
        if one.image_id not in hashes or hit.image_id not in hashes:
            continue
        bits = bits_apart(hashes[one.image_id], hashes[hit.image_id])
        if bits <= SAME_WITHIN_BITS:
            pairs.append(
                DuplicatePair(
                    image_id=one.image_id,
                    product_id=one.product_id,
                    other_image_id=hit.image_id,
                    other_product_id=hit.product_id,
                    cosine=min(1.0, cosine),
                    bits=bits,
                )
            )
    return pairs, unreadable


def _features(space: Space, image_ids: set[int]) -> Mapping[int, NDArray[np.float32]]:
    """Plain features of photos, without their colours, as unit vectors: float32 (dimensions of the encoder,)."""
    found = rows(
        "SELECT image_id, features FROM recommender_imagefeatures WHERE encoder_id = %s AND image_id = ANY (%s)",
        [space.encoder_id, list(image_ids)],
        binary=True,
    )
    return {image_id: unit(features[: space.encoder.dimensions]) for image_id, features in found}


_GALLERY = """
SELECT v.image_id, v.product_id, p.variant_group, v.vector FROM {partition} v
JOIN catalog_product p ON p.id = v.product_id
WHERE p.published AND v.image_id > %s ORDER BY v.image_id LIMIT %s
"""


def _batches(space: Space) -> Iterator[list[_Photo]]:
    statement = sql.SQL(_GALLERY).format(partition=sql.Identifier(partition_name(space)))
    last = 0
    while True:
        found = rows(statement, [last, BATCH], binary=True)
        if not found:
            return
        last = found[-1][0]
        yield [_Photo(image_id=row[0], product_id=row[1], group=row[2], vector=row[3]) for row in found]
