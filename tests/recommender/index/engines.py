"""The engines that the suites run against, each chosen by name through the registry, and a shop for them to search."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import numpy as np
from django.test import override_settings
from numpy.typing import NDArray

from catalog.filters.chosen import Filters
from recommender.index.base import VectorIndex
from recommender.index.feed import feed
from recommender.index.registry import ENGINES, vector_index
from recommender.models import Space
from tests.catalog.filters.chosen import filtering
from tests.recommender.search.gallery import Shop, make_encoder, make_space, make_tree, unit

OF_THE_TESTS = {
    "numpy": "tests.recommender.index.numpy_engine.NumpyIndex",
    "silent": "tests.recommender.index.numpy_engine.SilentIndex",
}
PASSING = (*ENGINES, "numpy")  # what every test must hold for
PHOTOS, DIMENSIONS = 2000, 32


@contextmanager
def chosen(name: str) -> Iterator[VectorIndex]:
    """The engine of that name behind the whole product, as a line of the registry and the setting make it so."""
    before = dict(ENGINES)
    ENGINES.update(OF_THE_TESTS)
    try:
        with override_settings(VECTOR_ENGINE=name):
            yield vector_index()
    finally:
        ENGINES.clear()
        ENGINES.update(before)


def shop_of(name: str = "suite", *, photos: int = PHOTOS, dimensions: int = DIMENSIONS) -> Shop:
    """2,000 photos of 1,600 products in 40 clusters: three photos here, twins and groups there, prices 0 to 99, some hidden.

    The space is ready, not active.
    """
    rng = np.random.default_rng(3)
    tree = list(make_tree().values())
    centres = rng.normal(size=(40, dimensions))
    near: NDArray[np.float32] = unit(
        centres[rng.integers(0, 40, photos)] + rng.normal(scale=0.8, size=(photos, dimensions))
    )
    near[1::50] = near[::50]  # twins: equally near, told apart by their ids
    encoder = make_encoder(dimensions, name)
    space = make_space(encoder, name=name, dimensions=dimensions, state=Space.State.READY, index_now=False)
    shop = Shop(space)
    wanted, first = [], 0
    while first < photos:
        count = 3 if len(wanted) % 8 == 0 else 1
        number = len(wanted)
        wanted.append(
            (
                near[first : first + count],
                {
                    "group": f"g{number // 3}" if number % 10 < 3 else "",
                    "price": Decimal(number % 100),
                    "brand": f"brand {number % 5}",
                    "category": tree[number % len(tree)],
                    "in_stock": number % 4 > 0,
                    "published": number % 20 > 0,
                    "attributes": {"colour": ["red", "blue", "green"][number % 3], "n": str(number % 200)},
                },
            )
        )
        first += count
    shop.add_many(wanted)
    feed(vector_index(), space)
    vector_index().build(space=space)
    return shop


def filters_of(shop: Shop) -> dict[str, Filters]:
    """Every filter alone and several together; all let at least a tenth of the products pass but the last three."""
    categories = sorted({product.category_id for product in shop.products.values() if product.category_id})
    products = list(shop.products.values())
    return {
        "none": Filters(),
        "category": filtering(categories=tuple(categories[:2])),
        "brand": filtering(brands=("brand 1", "brand 3")),
        "least price": filtering(min_price=Decimal(40)),
        "most price": filtering(max_price=Decimal(19)),
        "in stock": filtering(in_stock=True),
        "out of stock": filtering(in_stock=False),
        "attribute": filtering(attributes={"colour": ("red",)}),
        "several": filtering(brands=("brand 1", "brand 2"), in_stock=True, min_price=Decimal(20)),
        "excluded": Filters().excluding(products=[product.pk for product in products[1:40:3]], groups=["g0", "g1"]),
        "rare": filtering(attributes={"n": ("17",)}),
        "rare and dear": filtering(attributes={"n": ("17", "117")}, min_price=Decimal(10)),
        "nobody": filtering(brands=("nobody's",)),
    }
