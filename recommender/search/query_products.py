"""Products as queries: by which photo, with which vector, or why there is none yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from catalog.parameters import MAX_ID
from recommender.index.partitions import partition_name
from recommender.index.session import rows
from recommender.merchandising.placeholders import is_placeholder
from recommender.models import Space
from recommender.projection.apply import project

Status = Literal["ready", "pending", "failed"]


class UnknownProduct(LookupError):
    """No published product has this id."""

    def __init__(self, product_id: int) -> None:
        super().__init__(f"there is no product {product_id}")
        self.product_id = product_id


@dataclass(frozen=True, kw_only=True)
class QueryPhoto:
    """A photo to search by. `vector`: float32 (dimensions of the space,), unit length.

    `own`: the photo again, where `vector` is the one that the space stores of it; None in an augmented space.
    """

    image_id: int
    vector: NDArray[np.float32]
    own: int | None


@dataclass(frozen=True, kw_only=True)
class QueryProduct:
    """A product to search by, through `photos`; without any, `status`, `reason` (in a word) and `detail` (in words) say why.

    `image_id`: the first of them, or the photo that would be if it had a vector; None where the product has no photo, or none
    but placeholders.
    """

    product_id: int
    group: str
    category_id: int | None
    image_id: int | None
    status: Status
    reason: str
    detail: str
    photos: tuple[QueryPhoto, ...]


_NO_PHOTO = "no_photo"

# The photos of products in the order in which they are searched by: placeholders, by which nothing is searched, come last, and
# before them those that failed; else by position.
# A gallery vector that was augmented with its neighbours is no query; then the features are projected anew.
_PHOTOS = """
SELECT p.id, p.variant_group, p.category_id, photo.id, {vector}, photo.state, photo.reason, photo.error, photo.is_placeholder
FROM catalog_product p LEFT JOIN LATERAL (
    SELECT i.id, job.state, job.reason, job.error, {placeholder} AS is_placeholder
    FROM catalog_productimage i
    LEFT JOIN recommender_embeddingjob job ON job.image_id = i.id AND job.encoder_id = %(encoder)s
    WHERE i.product_id = p.id AND (%(image)s::bigint IS NULL OR i.id = %(image)s)
    ORDER BY 5, job.state IS NOT DISTINCT FROM 'failed', i.position, i.id LIMIT %(photos)s::bigint
) photo ON true
LEFT JOIN {table} source ON source.image_id = photo.id AND {which} AND NOT photo.is_placeholder
WHERE p.id = ANY (%(products)s::bigint[]) AND (p.published OR %(unpublished)s)
ORDER BY p.id, photo.is_placeholder, photo.state IS NOT DISTINCT FROM 'failed'
"""


def query_product(
    *, space: Space, product_id: int, image_id: int | None = None, every_photo: bool = False, unpublished: bool = False
) -> QueryProduct:
    """One product, by its primary photo, by one named, or by all. Raises UnknownProduct."""
    found = query_products(
        space=space, product_ids=[product_id], image_id=image_id, every_photo=every_photo, unpublished=unpublished
    )
    if product_id not in found:
        raise UnknownProduct(product_id)
    return found[product_id]


def query_products(
    *,
    space: Space,
    product_ids: Sequence[int],
    image_id: int | None = None,
    every_photo: bool = False,
    unpublished: bool = False,
) -> Mapping[int, QueryProduct]:
    """Those of the products that exist and are published (or may be unpublished), by id, in one statement."""
    values = {
        "encoder": space.encoder_id,
        "image": image_id,
        "photos": None if every_photo else 1,
        "products": [product_id for product_id in product_ids if product_id <= MAX_ID],
        "unpublished": unpublished,
    }
    products: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows(statement(space), values, binary=True):
        products.setdefault(row[0], []).append(row)
    named = image_id is not None
    return {product_id: _of_rows(space, photos, named=named) for product_id, photos in products.items()}


def statement(space: Space) -> str:
    """The statement that reads the photos to search by."""
    return _statement(None if space.augment else partition_name(space))


@cache
def _statement(partition: str | None) -> str:
    """With the stored vectors of a partition, or with features where no partition is named."""
    if partition is None:
        parts: dict[str, sql.Composable] = {
            "vector": sql.SQL("source.features"),
            "table": sql.SQL("recommender_imagefeatures"),
            "which": sql.SQL("source.encoder_id = %(encoder)s"),
        }
    else:
        parts = {
            "vector": sql.SQL("source.vector"),
            "table": sql.Identifier(partition),
            "which": sql.SQL("true"),
        }
    return sql.SQL(_PHOTOS).format(placeholder=sql.SQL(is_placeholder("i.digest")), **parts).as_string()


def _of_rows(space: Space, rows: Sequence[tuple[Any, ...]], *, named: bool) -> QueryProduct:
    """`named`: by one photo that was asked for, not by those that the product has."""
    product_id, group, category_id, image_id, _, state, reason, error, shows_placeholder = rows[0]
    photos = tuple(_photos(space, rows))
    has_none = image_id is None or shows_placeholder
    status: Status = "ready" if photos else "failed" if has_none or state == "failed" else "pending"
    if has_none:
        reason, error = _NO_PHOTO, "the product has no photo" if image_id is None else _placeholder(image_id, named)
    return QueryProduct(
        product_id=product_id,
        group=group,
        category_id=category_id,
        image_id=photos[0].image_id if photos else None if shows_placeholder and not named else image_id,
        status=status,
        reason=reason or "" if status == "failed" else "",
        detail=error or "" if status == "failed" else "",
        photos=photos,
    )


def _placeholder(image_id: int, named: bool) -> str:
    if named:
        return f"photo {image_id} is a placeholder, which stands for many products: nothing is searched by it"
    return "the product has no photo but placeholders, which stand for many products"


def _photos(space: Space, rows: Iterable[tuple[Any, ...]]) -> Iterable[QueryPhoto]:
    for row in rows:
        image_id, vector = row[3], row[4]
        if vector is None:
            continue
        if space.augment:
            vector = project(space, vector[None, :])[0]
        yield QueryPhoto(image_id=image_id, vector=vector, own=None if space.augment else image_id)
