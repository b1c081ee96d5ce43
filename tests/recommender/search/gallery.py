"""Small shops with known vectors, and what brute force answers about them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.filters.chosen import Filters
from catalog.models import Category, Product, ProductImage
from recommender.halfvec import half_precision
from recommender.index import lifecycle, stored
from recommender.index.registry import vector_index
from recommender.index.types import Hit, VectorRow
from recommender.models import EmbeddingJob, Encoder, ImageFeatures, Space
from tests.catalog.filters.chosen import condition

Vectors = NDArray[np.float32]


def make_encoder(dimensions: int = 8, name: str = "fixed@1") -> Encoder:
    return Encoder.objects.create(
        name=name,
        sha256=f"{name}-{dimensions}".ljust(64, "0"),
        precision="fp32",
        pooling="mean",
        side=8,
        dimensions=dimensions,
        compiled=b"",
        check_pixels=b"",
        check_features=b"",
    )


def make_space(
    encoder: Encoder | None = None,
    *,
    name: str = "test",
    dimensions: int = 8,
    metric: str = "cosine",
    index: str = "hnsw",
    state: str = Space.State.ACTIVE,
    parameters: Mapping[str, int] | None = None,
    index_now: bool = True,
) -> Space:
    """A space whose features are its vectors, with its partition (and index), made inside the test's transaction."""
    space = Space.objects.create(
        name=name,
        encoder=encoder or make_encoder(dimensions),
        projection="none",
        dimensions=dimensions,
        metric=metric,
        index=index,
        state=state,
        parameters=dict(parameters or {}),
        fit_summary={"photos": 0},
    )
    lifecycle.create(space)
    if index_now:
        vector_index().build(space=space)
    return space


def unit(rows: Any) -> Vectors:
    """Rows of length 1, rounded as the database keeps them."""
    rows = np.asarray(rows, np.float32)
    return half_precision(rows / np.linalg.norm(rows, axis=-1, keepdims=True))


def random_units(count: int, dimensions: int = 8, seed: int = 0) -> Vectors:
    return unit(np.random.default_rng(seed).normal(size=(count, dimensions)))


@dataclass
class Shop:
    """Products with photos of known vectors in a space. `add` writes; `answer` is brute force over what was written."""

    space: Space
    vectors: dict[int, Vectors] = field(default_factory=dict)
    products: dict[int, Product] = field(default_factory=dict)
    owner: dict[int, int] = field(default_factory=dict)
    numbers: int = 0

    def add(self, vectors: Any, **fields: Any) -> Product:
        """A product with one photo for each row of vectors (float32 (photos, dimensions,))."""
        return self.add_many([(np.atleast_2d(np.asarray(vectors, np.float32)), fields)])[0]

    def add_many(
        self, wanted: Sequence[tuple[Vectors, Mapping[str, Any]]], *, digests: Sequence[Sequence[str]] | None = None
    ) -> list[Product]:
        """`digests`: of the files of each product's photos; without them every photo has a file of its own."""
        first = self.numbers
        self.numbers += len(wanted)
        products = Product.objects.bulk_create(
            Product(**{"sku": f"P{first + i}", "title": f"P{first + i}", "currency": "EUR", **fields})
            for i, (_, fields) in enumerate(wanted)
        )
        photos = [
            (ProductImage(product=product, digest=digests[number][place] if digests else f"{product.pk}-{place}", file=f"{product.pk}-{place}.jpg", position=place, width=4, height=3), vector)
            for number, (product, (vectors, _)) in enumerate(zip(products, wanted, strict=True))
            for place, vector in enumerate(vectors)
        ]  # fmt: skip
        ProductImage.objects.bulk_create(image for image, _ in photos)
        rows = [VectorRow(image.pk, image.product_id, vector) for image, vector in photos]
        ImageFeatures.objects.bulk_create(
            ImageFeatures(image=image, encoder=self.space.encoder, digest=image.digest, features=vector.tolist())
            for image, vector in photos
            if len(vector) == self.space.encoder.dimensions
        )
        EmbeddingJob.objects.bulk_create(
            EmbeddingJob(image=image, encoder=self.space.encoder, state=EmbeddingJob.State.DONE) for image, _ in photos
        )
        assert stored.insert(space=self.space, rows=rows) == len(rows)
        for row in rows:
            self.vectors[row.image_id] = half_precision(row.vector)
            self.owner[row.image_id] = row.product_id
        self.products.update((product.pk, product) for product in products)
        return list(products)

    def photos(self, product: Product) -> list[int]:
        return [image for image, owner in self.owner.items() if owner == product.pk]

    def answer(self, vector: Vectors, filters: Filters, k: int) -> list[Hit]:
        """Every photo compared, in NumPy float64: the first of each product and group by (distance, image id)."""
        passes = condition(filters)
        passing = {pk for pk, product in self.products.items() if passes(product)}
        images = [image for image, owner in self.owner.items() if owner in passing]
        if not images:
            return []
        distances = distances_to(self.space.metric, np.stack([self.vectors[image] for image in images]), vector)
        hits: dict[object, Hit] = {}
        for distance, image in sorted(zip(distances.tolist(), images, strict=True)):
            product = self.products[self.owner[image]]
            hits.setdefault(product.group or product.pk, Hit(image, product.pk, distance))
        return list(hits.values())[:k]


def distances_to(metric: str, rows: Vectors, vector: Vectors) -> NDArray[np.float64]:
    """Distances of halfvec rows to a halfvec query, float64 (rows,), by the definitions that pgvector documents.

    Identical rows get identical distances: each is computed by itself.
    """
    query = half_precision(vector).astype(np.float64)
    wide = rows.astype(np.float64)
    if metric == "cosine":
        norms = np.sqrt(np.einsum("ij,ij->i", wide, wide)) * np.sqrt(query @ query)
        return 1 - np.einsum("ij,j->i", wide, query) / norms
    if metric == "ip":
        return -np.einsum("ij,j->i", wide, query)
    if metric == "l2":
        return np.sqrt(((wide - query) ** 2).sum(axis=1))
    return np.abs(wide - query).sum(axis=1)


def assert_same_answer(found: Sequence[Hit], expected: Sequence[Hit], shop: Shop, tolerance: float = 2e-5) -> None:
    """The same distances place by place and the same products, but where distances differ by less than rounding does.

    pgvector sums in single precision. Exact ties (the same vector) must stand in the order of image ids.
    """
    assert len(found) == len(expected)
    assert [hit.distance for hit in found] == sorted(hit.distance for hit in found)
    for hit, other in zip(found, expected, strict=True):
        assert abs(hit.distance - other.distance) <= tolerance
        assert shop.owner[hit.image_id] == hit.product_id
    for one, next_one in itertools.pairwise(found):
        if one.distance == next_one.distance:
            assert one.image_id < next_one.image_id
    last = expected[-1].distance if expected else 0.0
    clear = {hit.image_id for hit in expected if hit.distance < last - tolerance}
    near = {hit.image_id for hit in found}
    for image in clear - near:  # its place may be held by another photo of the place that is equally near
        twins = [hit for hit in found if np.array_equal(shop.vectors[hit.image_id], shop.vectors[image])]
        close = [
            hit
            for hit in found
            for was in expected
            if was.image_id == image and abs(hit.distance - was.distance) <= tolerance
        ]
        assert twins or close, f"photo {image} is missing"


# The tree as treebeard lays it out: each category's path, children and name.
TREE = (
    ("0001", 2, "Clothing"),
    ("00010001", 2, "Dress"),
    ("000100010001", 0, "Evening"),
    ("000100010002", 0, "Summer"),
    ("00010002", 0, "Shoe"),
    ("0002", 0, "Home"),
)


def make_tree() -> dict[str, Category]:
    """By slug: clothing > (dress > (evening, summer), shoe); home.

    In one statement, for hundreds of tests want it and treebeard needs several for each category. The tables must not hold
    any other.
    """
    made = Category.objects.bulk_create(
        Category(path=path, depth=len(path) // Category.steplen, numchild=children, name=name, slug=name.lower())
        for path, children, name in TREE
    )
    return {category.slug: category for category in made}
