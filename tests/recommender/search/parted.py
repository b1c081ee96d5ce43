"""Shops whose vectors have a shape and a colour part, and what brute force answers about them at a weight of colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.filters.chosen import Filters
from recommender.halfvec import half_precision
from recommender.index import lifecycle
from recommender.index.feed import feed
from recommender.index.registry import vector_index
from recommender.models import Encoder, Space
from recommender.projection.apply import beside, unit
from tests.catalog.filters.chosen import passes
from tests.recommender.search.gallery import Shop

SHAPE, COLOUR, ALPHA = 6, 4, 0.25
BINS = 196
WEIGHTS = (0.0, 0.1, ALPHA, 0.5, 0.9, 1.0)

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Expected:
    """One place of an answer, by brute force."""

    image_id: int
    product_id: int
    score: float
    shape: float
    colour: float


def colour_matrix() -> Vectors:
    """Bins → the colour part, float32 (196, COLOUR)."""
    return np.random.default_rng(1).normal(size=(BINS, COLOUR)).astype(np.float32)


def make_parted_space(*, state: str = Space.State.ACTIVE, index: str = "hnsw") -> Space:
    """A space of a shape and a colour part behind the engine of the settings, empty."""
    encoder = Encoder.objects.create(
        name="coloured@1",
        sha256="coloured".ljust(64, "0"),
        precision="fp32",
        pooling="mean",
        recipe=2,
        side=8,
        dimensions=SHAPE,
        colour_bins=BINS,
        compiled=b"",
        check_pixels=b"",
        check_features=b"",
    )
    space = Space.objects.create(
        name="parted",
        encoder=encoder,
        projection="none",
        dimensions=SHAPE + COLOUR,
        colour_dimensions=COLOUR,
        colour_weight=ALPHA,
        colour_matrix=colour_matrix().tobytes(),
        index=index,
        state=state,
        fit_summary={"photos": 0},
    )
    lifecycle.create(space)
    return space


def parted_shop(*products: tuple[Vectors, dict[str, object]]) -> Shop:
    """Products in an active parted space, whose engine knows them."""
    shop = Shop(make_parted_space())
    shop.add_many([(np.atleast_2d(vectors), fields) for vectors, fields in products])
    feed(vector_index(), shop.space)
    vector_index().build(space=shop.space)
    return shop


def parted(shape: Sequence[float] | Vectors, colour: Sequence[float] | Vectors) -> Vectors:
    """A vector of the space from its parts, of any length, rounded as the database keeps it."""
    parts = [unit(np.asarray(part, np.float32)) for part in (shape, colour)]
    return half_precision(beside(parts[0], parts[1], ALPHA))


def random_parted(count: int, seed: int = 0) -> Vectors:
    rng = np.random.default_rng(seed)
    return np.stack([parted(rng.normal(size=SHAPE), rng.normal(size=COLOUR)) for _ in range(count)])


def cosines(one: Vectors, other: Vectors) -> tuple[float, float]:
    """Of the shapes and of the colours, to the digits that answers show."""
    found = []
    for part in (np.s_[:SHAPE], np.s_[SHAPE:]):
        a, b = one[part].astype(np.float64), other[part].astype(np.float64)
        lengths = np.linalg.norm(a) * np.linalg.norm(b)
        found.append(round(float(a @ b / lengths), 6) if lengths else 0.0)
    return found[0], found[1]


def expected_answer(shop: Shop, asking: Sequence[Vectors], filters: Filters, weight: float) -> list[Expected]:
    """All photos compared in NumPy: the best of each product and group, by (score, image id), for the nearest of the vectors."""
    passing = {pk for pk, product in shop.products.items() if passes(product, filters)}
    found = []
    for image, vector in shop.vectors.items():
        if shop.owner[image] not in passing:
            continue
        for query in asking:
            shape, colour = cosines(query, vector)
            score = round((1 - weight) * shape + weight * colour, 6)
            found.append(Expected(image, shop.owner[image], score, shape, colour))
    places: dict[object, Expected] = {}
    for one in sorted(found, key=lambda one: (-one.score, one.image_id)):
        places.setdefault(shop.products[one.product_id].group or one.product_id, one)
    return list(places.values())
