"""What a space answers, asked without a server: the same queries, exactly, and the distance of every photo."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from catalog.filters.chosen import Filters
from catalog.models import ProductImage
from recommender.halfvec import HalfVector, cursor
from recommender.index import stored
from recommender.index.metrics import OPERATORS
from recommender.index.partitions import partition_name
from recommender.index.search import VectorSearch, vector_search
from recommender.models import Space
from recommender.search.query_products import query_products
from tests.catalog.filters.chosen import filtering
from tests.load.judge import Truth
from tests.load.storefront import about_photo, about_product


def truths_of(space: Space, products: Sequence[int], *, limit: int, photos: Sequence[bytes] = ()) -> dict[str, Truth]:
    """By what a query is about. `photos`: files of the gallery that ask; each does by its vector in the gallery."""
    index = vector_search()
    truths = {}
    for product_id, product in query_products(space=space, product_ids=products).items():
        vector = product.photos[0].vector
        own = filtering(exclude_products=(product_id,), exclude_groups=(product.group,) if product.group else ())
        truths[about_product(product_id)] = _truth(index, space, vector, own, limit)
    for photo in photos:
        truths[about_photo(photo)] = _truth(index, space, _stored(space, photo), Filters(), limit)
    return truths


def _truth(index: VectorSearch, space: Space, vector: NDArray[np.float32], filters: Filters, limit: int) -> Truth:
    hits = index.search(space=space, vector=vector, filters=filters, k=limit, exact=True)
    return Truth(page=tuple(hit.image_id for hit in hits), distances=_distances(space, vector))


def _distances(space: Space, vector: NDArray[np.float32]) -> dict[int, float]:
    statement = sql.SQL("SELECT image_id, vector {} %s FROM {}").format(
        sql.SQL(OPERATORS[space.metric]), sql.Identifier(partition_name(space))
    )
    return dict(cursor().execute(statement, [HalfVector(vector)]).fetchall())


def _stored(space: Space, photo: bytes) -> NDArray[np.float32]:
    """The vector of a photo of the gallery, found by its content; float32 (dimensions of the space,)."""
    image = ProductImage.objects.filter(digest=hashlib.sha256(photo).hexdigest()).values_list("pk", flat=True)[:1]
    (vector,) = stored.vectors_of(space=space, image_ids=list(image)).values()
    return vector
