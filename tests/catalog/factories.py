"""Products, categories and small drawn photos for tests."""

from __future__ import annotations

import io
import itertools
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from django.db import connection
from django.utils.text import slugify
from PIL import Image

from catalog.announce import Priority
from catalog.categories import CategoryTree, split_path
from catalog.models import Category, Product, ProductImage
from catalog.photos.store import add_photo

_numbers = itertools.count(1)


def number_anew() -> None:
    """Skus, titles and drawn photos begin at 1 again, so that no test depends on how many others ran before it."""
    global _numbers
    _numbers = itertools.count(1)


def photo_bytes(
    seed: int = 0,
    *,
    colour: tuple[int, int, int] | str | None = None,
    size: tuple[int, int] = (64, 48),
    format: str = "PNG",
) -> bytes:
    """A small photo in memory, the same for the same arguments: one colour, or coloured patches drawn from `seed`."""
    if colour is None:
        patches = np.random.default_rng(seed).integers(0, 256, size=(6, 8, 3), dtype=np.uint8)
        image = Image.fromarray(patches).resize(size, Image.Resampling.BICUBIC)
    else:
        image = Image.new("RGB", size, colour)
        image.putpixel((0, 0), (seed % 256, seed // 256 % 256, 0))
    buffer = io.BytesIO()
    image.save(buffer, format)
    return buffer.getvalue()


def make_category(path: str | tuple[str, ...] = "Clothing > Dress") -> Category:
    """The category at a path like "Clothing > Dress", made with its parents where missing."""
    names = split_path(path) if isinstance(path, str) else path
    category: Category = Category.objects.get(pk=CategoryTree().make(names))
    return category


def make_categories(paths: Iterable[str]) -> dict[str, Category]:
    """The categories at paths like "Clothing > Dress", by path. A first tree is written in one statement, as it would grow."""
    names = {path: split_path(path) for path in paths}
    nodes = sorted({one[:depth] for one in names.values() for depth in range(1, len(one) + 1)})
    slugs = {node: slugify(node[-1]) for node in nodes}
    if len(set(slugs.values())) == len(nodes) and not Category.objects.exists():
        places: dict[tuple[str, ...], str] = {(): ""}
        children = Counter[tuple[str, ...]]()
        for node in nodes:
            children[node[:-1]] += 1
            places[node] = places[node[:-1]] + np.base_repr(children[node[:-1]], 36).zfill(Category.steplen)
        Category.objects.bulk_create(
            Category(path=places[node], depth=len(node), numchild=children[node], name=node[-1], slug=slugs[node])
            for node in nodes
        )
    tree = CategoryTree()
    ids = {path: tree.make(one) for path, one in names.items()}
    found = Category.objects.in_bulk(ids.values())
    return {path: found[pk] for path, pk in ids.items()}


def make_product(**fields: Any) -> Product:
    """A product with a sku and title of its own; `category` may be a path like "Clothing > Dress"."""
    number = next(_numbers)
    category = fields.pop("category", None)
    if isinstance(category, str):
        category = make_category(category)
    return Product.objects.create(
        **{"sku": f"SKU-{number}", "title": f"Product {number}", "category": category, "currency": "EUR"} | fields
    )


def make_image(
    product: Product | None = None,
    *,
    seed: int | None = None,
    colour: tuple[int, int, int] | str | None = None,
    size: tuple[int, int] = (64, 48),
    data: bytes | None = None,
    position: int | None = None,
    alt: str = "",
    priority: Priority = "upload",
) -> ProductImage:
    """A stored photo of a product (of a new one by default), different for every call unless `seed` or `data` is given."""
    number = next(_numbers)
    return add_photo(
        product=product or make_product(),
        data=data or photo_bytes(number if seed is None else seed, colour=colour, size=size),
        position=position,
        alt=alt,
        priority=priority,
    )


def write_decomposed(product_id: int, sku: str) -> None:
    """Give a product a SKU as a version before could have kept it: Postgres composes what is written now."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE catalog_product SET sku = %s WHERE id = %s", [sku, product_id])
        cursor.execute("SET LOCAL session_replication_role = origin")
