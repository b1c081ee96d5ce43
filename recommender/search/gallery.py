"""The published photos of a space, read some at a time, and which of them are the same file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from recommender.index.partitions import partition_name
from recommender.index.session import ask, rows
from recommender.models import Space

_BATCH = 100

_PHOTOS = """
SELECT v.image_id, v.product_id, p.variant_group, v.vector FROM {partition} v
JOIN catalog_product p ON p.id = v.product_id
WHERE p.published AND v.image_id > %s ORDER BY v.image_id LIMIT %s
"""
# Without statistics, as after a first import, Postgres would compare every photo with every vector.
_EVERY_PHOTO = "SET LOCAL enable_nestloop = off"
_SAME_FILES = """
SELECT array_agg(v.image_id ORDER BY v.image_id) FROM {partition} v
JOIN catalog_product p ON p.id = v.product_id
JOIN catalog_productimage i ON i.id = v.image_id
WHERE p.published GROUP BY i.digest HAVING count(*) > 1
"""
_OWNERS = """
SELECT i.id, i.product_id, p.variant_group FROM catalog_productimage i
JOIN catalog_product p ON p.id = i.product_id
WHERE p.published AND i.id = ANY (%s)
"""


@dataclass(frozen=True, kw_only=True)
class GalleryPhoto:
    """A photo of a space. `group`: the variant group of its product, "": none. `vector`: float32 (dimensions of the space,)."""

    image_id: int
    product_id: int
    group: str
    vector: NDArray[np.float32]


@dataclass(frozen=True)
class Owner:
    """Whose photo it is: a product and its variant group, "": none."""

    product_id: int
    group: str

    @property
    def place(self) -> int | str:
        """The variant group, or the product where it has none: what counts as one in an answer."""
        return self.group or self.product_id


def gallery(space: Space) -> Iterator[list[GalleryPhoto]]:
    """The photos of published products in the order of their ids, 100 at a time. Raises SpaceGone."""
    statement = _of(space, _PHOTOS)
    last = 0
    while True:
        found = rows(statement, [last, _BATCH], binary=True)
        if not found:
            return
        last = found[-1][0]
        yield [GalleryPhoto(image_id=row[0], product_id=row[1], group=row[2], vector=row[3]) for row in found]


def same_files(space: Space) -> list[list[int]]:
    """The photos of published products that are the same file, ids ascending, a list for each such file. Raises SpaceGone."""
    found = ask((_EVERY_PHOTO, {}), [(_of(space, _SAME_FILES).as_string(), {})])
    return [row[0] for row in found[0]]


def owners(image_ids: Collection[int]) -> Mapping[int, Owner]:
    """Whose the photos are, of those that are of published products."""
    return {row[0]: Owner(row[1], row[2]) for row in rows(_OWNERS, [list(image_ids)], binary=True)}


def _of(space: Space, statement: str) -> sql.Composed:
    return sql.SQL(statement).format(partition=sql.Identifier(partition_name(space)))
