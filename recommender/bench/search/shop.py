"""Writes a generated gallery into the (private, empty) database of the bench, as a shop would have it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
from django.db import connection
from django.utils import timezone
from numpy.typing import NDArray
from psycopg import Cursor, sql

from catalog.models import Category
from recommender.bench.search.gallery import COLOUR_DIMENSIONS, COLOUR_WEIGHT, DIMENSIONS, Gallery
from recommender.halfvec import raw_connection
from recommender.index import lifecycle
from recommender.index.nearness import NearnessTree, sample_size
from recommender.index.registry import vector_index
from recommender.index.stored import load
from recommender.index.types import VectorRow
from recommender.models import Encoder, Space
from recommender.projection.apply import Projection
from recommender.records.fit import Fit
from recommender.spaces.order import LEAST

BATCH = 20_000
BRANDS = 40
NUMBER = "weight"  # the attribute of which ranges are asked
DESCRIPTION = (
    "A product of the bench, described in about as many words as a shop uses for one of its own, no more. " * 2
)

Say = Callable[[str], object]


def write_shop(gallery: Gallery, shape: Projection, colour: Projection, say: Say) -> tuple[Space, dict[str, float]]:
    """The active space of the shop, and seconds of each step."""
    seconds: dict[str, float] = {}

    def timed(name: str, action: Callable[[], object]) -> None:
        say(f"{len(gallery):,} products: {name}")
        began = time.perf_counter()
        action()
        seconds[name] = round(time.perf_counter() - began, 2)

    space = _space(shape, colour)
    timed("writing products and photos", lambda: _write_catalogue(gallery))
    timed("ordering and writing vectors", lambda: _write_vectors(space, gallery))
    timed("building the index", lambda: vector_index().build(space=space))
    timed("analysing", _analyse)
    return space, seconds


def slug(node: int) -> str:
    return f"node-{node}"


def _space(shape: Projection, colour: Projection) -> Space:
    assert shape.mean is not None and shape.matrix is not None
    assert colour.mean is not None and colour.matrix is not None
    encoder = Encoder.objects.create(
        name="bench@1",
        sha256="b" * 64,
        precision="fp32",
        pooling="gaussian",
        side=224,
        dimensions=len(shape.mean),
        recipe=2,
        colour_bins=len(colour.mean),
        compiled=b"",
        check_pixels=b"",
        check_features=b"",
    )
    space = Space.objects.create(
        name="bench",
        encoder=encoder,
        projection=Space.Kind.PCA,
        dimensions=DIMENSIONS,
        colour_dimensions=COLOUR_DIMENSIONS,
        colour_weight=COLOUR_WEIGHT,
        state=Space.State.ACTIVE,
        mean=shape.mean.astype(np.float32).tobytes(),
        matrix=shape.matrix.astype(np.float32).tobytes(),
        colour_mean=colour.mean.astype(np.float32).tobytes(),
        colour_matrix=colour.matrix.astype(np.float32).tobytes(),
        fit_summary=Fit(photos=0).as_json(),
        activated_at=timezone.now(),
    )
    lifecycle.create(space)
    return space


def _write_catalogue(gallery: Gallery) -> None:
    """By COPY, secondary indexes made afterwards."""
    categories = _write_categories(gallery)
    raw = raw_connection()
    for table, rows in (
        ("catalog_product", _products(gallery, categories)),
        ("catalog_productimage", _photos(len(gallery))),
    ):
        definitions = raw.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND NOT EXISTS"
            " (SELECT FROM pg_constraint WHERE conname = indexname)",
            [table],
        ).fetchall()
        for name, _ in definitions:
            raw.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        columns = sql.SQL(", ").join(map(sql.Identifier, next(rows).split(",")))
        with Cursor(raw).copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), columns)) as copy:
            for block in rows:
                copy.write(block)
        for _, definition in definitions:
            raw.execute(definition)


def _write_categories(gallery: Gallery) -> NDArray[np.int64]:
    """The id of each node's category."""
    children: dict[int, int] = {}
    paths: list[str] = []
    rows = []
    for number, node in enumerate(gallery.nodes):
        children[node.parent] = children.get(node.parent, 0) + 1
        parent = paths[node.parent] if node.parent >= 0 else ""
        depth = len(parent) // Category.steplen + 1
        paths.append(Category._get_path(parent, depth, children[node.parent]))
        rows.append(Category(path=paths[-1], depth=depth, name=f"Node {number}", slug=slug(number)))
    for number, row in enumerate(rows):
        row.numchild = children.get(number, 0)
    return np.array([row.pk for row in Category.objects.bulk_create(rows, batch_size=500)])


def _products(gallery: Gallery, categories: NDArray[np.int64]) -> Iterator[str]:
    """The columns, then blocks of lines in COPY's text format."""
    yield "id,sku,variant_group,title,description,category_id,brand,amount,currency,in_stock,url,attributes,published,created_at,updated_at"
    shares = list(gallery.buckets)
    for start in range(0, len(gallery), BATCH):
        lines = []
        for i in range(start, min(start + BATCH, len(gallery))):
            attributes = ", ".join(
                (
                    *(f'"{attribute(share)}": "v{gallery.buckets[share][i]}"' for share in shares),
                    f'"{NUMBER}": "{gallery.weight[i]:.2f}"',
                )
            )
            lines.append(
                f"{i + 1}\tB{i + 1}\t\tProduct {i + 1}\t{DESCRIPTION}\t{categories[gallery.category[i]]}\tBrand {i % BRANDS}\t"
                f"{gallery.price[i]:.2f}\tEUR\t{'t' if i % 5 else 'f'}\thttps://shop.example/{i + 1}\t{{{attributes}}}\tt\tnow\tnow\n"
            )
        yield "".join(lines)


def attribute(share: float) -> str:
    """The name of the attribute each of whose values that share of the products has."""
    return f"of_{share:g}".replace(".", "_")


def _photos(count: int) -> Iterator[str]:
    yield "id,product_id,file,digest,source_url,width,height,position,alt,created_at"
    for start in range(0, count, BATCH):
        yield "".join(
            f"{i}\t{i}\tphotos/{i % 256:02x}/{i:064x}.jpg\t{i:064x}\t\t600\t800\t0\t\tnow\n"
            for i in range(start + 1, min(start + BATCH, count) + 1)
        )


def _write_vectors(space: Space, gallery: Gallery) -> None:
    """By nearness, as building a space does (recommender.spaces.order)."""
    order = np.arange(len(gallery))
    if len(gallery) >= LEAST:
        chosen = np.random.default_rng(0).choice(
            len(gallery), min(len(gallery), sample_size(DIMENSIONS)), replace=False
        )
        tree = NearnessTree(gallery.vectors[np.sort(chosen)])
        blocks = [tree.leaves(gallery.vectors[start : start + BATCH]) for start in range(0, len(gallery), BATCH)]
        order = np.argsort(np.concatenate(blocks), kind="stable")
    for start in range(0, len(gallery), BATCH):
        rows = order[start : start + BATCH].tolist()
        load(space=space, rows=(VectorRow(row + 1, row + 1, gallery.vectors[row]) for row in rows))


def _analyse() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
