"""A shop of any size whose vectors are derived from real photos: mixtures of neighbours, with noise.

A vector lies somewhere in the triangle of a real photo and two of its ten nearest, plus noise in proportion to how much real
photos vary in each direction, and to how far the photo's own neighbours are. Shuffled copies would be too easy, independent
noise has no neighbourhoods. Shape and colour parts are derived so each by itself: four fifths of the products have the
colours of the photo that their shape is from, the others those of any photo, as a shop sells one thing in several colours.
Everything follows from the seed of the generator.

Derived vectors are to stand to one another as real ones of equal number do. 5,192 real photos (4,000 packshots and 1,192 of
clothing on natural ground) and subsamples of them, beside as many derived vectors; medians of the distance (√(2 − 2 cos)) to
the nearest and to the tenth, and of the local intrinsic dimension (by the maximum likelihood of twenty distances):

    photos          nearest      tenth        dimension    skewness of in-degrees
    1,000           .75 | .75    .94 | .95    11.4 | 11.2    .6 |  .7
    5,192           .67 | .67    .82 | .82    13.4 | 13.5    .9 | 1.3
    30,000          .60 | .58    .71 | .72       – | 13.4

What is said of 30,000 real ones is extended from both, by the power of their number that they follow. Colours go with shapes
less than in real photos: of the ten nearest by shape the cosine by colour is .18, not .34.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.halfvec import half_precision
from recommender.projection.apply import beside, unit

SHAPE_DIMENSIONS, COLOUR_DIMENSIONS = 192, 64
DIMENSIONS = SHAPE_DIMENSIONS + COLOUR_DIMENSIONS
COLOUR_WEIGHT = 0.18  # of the space: how much colour counts beside shape unless a search says otherwise
SHARES = (50.0, 10.0, 5.0, 2.0, 1.0, 0.1)  # per cent of the products that pass a filter
_NEIGHBOURS = 10
_MIXED = 2  # of those
_SHAPE_NOISE, _COLOUR_NOISE = 0.4, 0.3
_OWN_COLOURS = 0.8  # share of the products whose colours go with their shape
_CHUNK = 50_000
# The category tree by shares of the parent: 50 % > 10 % > 5 % > two of 2 % and one of 1 % > 1 % > 0.1 %.
_TREE = {50.0: [10.0] * 5, 10.0: [5.0] * 2, 5.0: [2.0, 2.0, 1.0], 2.0: [1.0] * 2, 1.0: [0.1] * 10}

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Node:
    """One category: its share of all products in per cent, and the number of its parent (-1: a root)."""

    share: float
    parent: int


@dataclass(frozen=True)
class Gallery:
    """Products 1 to n, one photo each. `vectors`: float32 (n, 256) unit rows as halfvec keeps them, shape before colour.

    `category`: int32 (n,), the node of the finest category; `nodes` the tree; `members[node]`: int32, sorted products'
    numbers. Categories are correlated with the vectors; `price` and `weight` (float64 (n,), 0 to 1000) and attributes are not.
    """

    vectors: Vectors
    nodes: list[Node]
    members: dict[int, NDArray[np.int32]]
    category: NDArray[np.int32]
    price: NDArray[np.float64]
    buckets: dict[float, NDArray[np.int32]]
    weight: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.vectors)

    def own_category(self, number: int, share: float) -> int | None:
        """The node of that share that a product stands in; None where its branch has none (2 % splits unevenly)."""
        node = int(self.category[number])
        while node >= 0:
            if self.nodes[node].share == share:
                return node
            node = self.nodes[node].parent
        return None


def generate(shapes: Vectors, colours: Vectors, count: int, *, seed: int = 1) -> Gallery:
    """`shapes` float32 (photos, 192), `colours` float32 (photos, 64): of real photos, projected, before they are normalised."""
    rng = np.random.default_rng(seed)
    vectors = np.concatenate(list(_mixtures(shapes, colours, count, rng)))
    nodes, members = _categories(vectors, rng)
    category = np.full(count, -1, np.int32)
    for number, node in enumerate(nodes):
        if node.share == SHARES[-1]:
            category[members[number]] = number
    return Gallery(
        vectors=vectors,
        nodes=nodes,
        members=members,
        category=category,
        price=np.round(rng.random(count) * 1000, 2),
        buckets={share: rng.integers(0, round(100 / share), count, dtype=np.int32) for share in SHARES},
        weight=np.round(rng.random(count) * 1000, 2),
    )


def _mixtures(shapes: Vectors, colours: Vectors, count: int, rng: np.random.Generator) -> Iterator[Vectors]:
    of_shape, of_colour = _Mixer(shapes, _SHAPE_NOISE), _Mixer(colours, _COLOUR_NOISE)
    for start in range(0, count, _CHUNK):
        size = min(_CHUNK, count - start)
        photos = rng.integers(0, len(shapes), size)
        painted = np.where(rng.random(size) < _OWN_COLOURS, photos, rng.integers(0, len(shapes), size))
        yield half_precision(beside(of_shape.mixed(photos, rng), of_colour.mixed(painted, rng), COLOUR_WEIGHT))


class _Mixer:
    """Photos in one part of the space, float32 (photos, d)."""

    def __init__(self, photos: Vectors, noise: float) -> None:
        likeness = unit(photos) @ unit(photos).T
        np.fill_diagonal(likeness, -np.inf)
        self._photos = photos
        self._nearest = np.argsort(-likeness, axis=1)[:, :_NEIGHBOURS]
        distance = np.sqrt(np.maximum(2 - 2 * np.take_along_axis(likeness, self._nearest[:, -1:], axis=1), 1e-6))
        self._spread = noise * photos.std(axis=0) * (distance / np.median(distance))

    def mixed(self, numbers: NDArray[np.int64], rng: np.random.Generator) -> Vectors:
        """Unit rows amid each of the photos and two of its neighbours, with noise: float32 (rows, d)."""
        noise = rng.standard_normal((len(numbers), self._photos.shape[1]), dtype=np.float32)
        mixed = noise * self._spread[numbers]
        corners = np.argsort(rng.random((len(numbers), self._nearest.shape[1]), dtype=np.float32), axis=1)[:, :_MIXED]
        photos = [numbers, *self._nearest[numbers[:, None], corners].T]
        weights = rng.standard_exponential((len(numbers), len(photos)), dtype=np.float32)
        weights /= weights.sum(axis=1, keepdims=True)  # spread evenly over the triangle
        for place, photo in enumerate(photos):
            mixed += weights[:, place : place + 1] * self._photos[photo]
        return unit(mixed)


def _categories(vectors: Vectors, rng: np.random.Generator) -> tuple[list[Node], dict[int, NDArray[np.int32]]]:
    """Cut along the direction in which the members of a node vary most, at quantiles: regions of exact shares."""
    nodes: list[Node] = []
    members: dict[int, NDArray[np.int32]] = {}

    def split(rows: NDArray[np.int32], shares: list[float], parent: int) -> None:
        axis = _main_axis(vectors[rng.choice(rows, min(2000, len(rows)), replace=False)])
        ordered = rows[np.argsort(vectors[rows] @ axis, kind="stable")]
        cuts = np.round(np.cumsum(shares) / sum(shares) * len(rows)).astype(int)[:-1]
        for part, share in zip(np.split(ordered, cuts), shares, strict=True):
            number = len(nodes)
            nodes.append(Node(share, parent))
            members[number] = np.sort(part)
            if share in _TREE and len(part):
                split(part, _TREE[share], number)

    split(np.arange(len(vectors), dtype=np.int32), [50.0, 50.0], -1)
    return nodes, members


def _main_axis(sample: Vectors) -> Vectors:
    """About the direction in which rows vary most, by a few steps of power iteration: float32 (256,)."""
    centred = sample - sample.mean(axis=0)
    axis = np.ones(sample.shape[1], np.float32)
    for _ in range(5):
        axis = (axis @ centred.T) @ centred + np.float32(1e-12)
        axis /= np.linalg.norm(axis)
    return axis
