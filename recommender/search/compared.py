"""The answers of two spaces to the same products, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import BigIntegerField, Exists, F, Func, OuterRef, Value

from catalog.models import Product, ProductImage
from catalog.representation import thumbnail_url
from recommender.models import Space
from recommender.search import products as hydration
from recommender.search.answers import Answer
from recommender.search.filters import SearchOptions
from recommender.search.similarity import similar_to_each

PRODUCTS, ANSWERS = 20, 6


@dataclass(frozen=True)
class Seen:
    """One answer. `change`: what became of it in the other space: "new", "gone", "up 2", "down 1", or "" for nothing."""

    id: int
    title: str
    thumbnail: str
    change: str


@dataclass(frozen=True)
class Compared:
    """A product, and what either space answers to it. `changed`: answers that the one has and the other has not."""

    id: int
    title: str
    thumbnail: str
    before: Sequence[Seen]
    after: Sequence[Seen]
    changed: int


def compare(before: Space, after: Space, *, seed: int) -> list[Compared]:
    """Twenty published products with photos, drawn by `seed`, those whose answers changed most first."""
    chosen = _drawn(seed)
    options = SearchOptions(limit=ANSWERS)
    old, new = (similar_to_each(product_ids=list(chosen), options=options, space=space) for space in (before, after))
    images = {item.image_id for answers in (old, new) for answer in answers.values() for item in answer.found}
    products = hydration.products_by_image(list(images))
    found = []
    for pk, product in chosen.items():
        if pk not in old or pk not in new:
            continue
        one, other = _ranks(old[pk], products), _ranks(new[pk], products)
        found.append(
            Compared(
                id=pk,
                title=product.title,
                thumbnail=_thumbnail(product),
                before=_seen(old[pk], products, other, lacking="gone", moved=False),
                after=_seen(new[pk], products, one, lacking="new", moved=True),
                changed=len(one.keys() - other.keys()) + len(other.keys() - one.keys()),
            )
        )
    return sorted(found, key=lambda one: -one.changed)


def _drawn(seed: int) -> Mapping[int, Product]:
    with_photo = ProductImage.objects.filter(product=OuterRef("pk")).exclude(digest="")
    order = Func(F("pk"), Value(seed), function="hashint8extended", output_field=BigIntegerField())
    rows = Product.objects.filter(Exists(with_photo), published=True).prefetch_related("images").order_by(order, "pk")
    return {product.pk: product for product in rows[:PRODUCTS]}


def _thumbnail(product: Product) -> str:
    return next((thumbnail_url(image.digest) for image in product.images.all() if image.digest), "")


def _ranks(answer: Answer, products: Mapping[int, Mapping[str, object]]) -> dict[object, int]:
    """The place of each answered product, from 0."""
    shown = (products[item.image_id]["id"] for item in answer.found if item.image_id in products)
    return {product: place for place, product in enumerate(shown)}


def _seen(
    answer: Answer,
    products: Mapping[int, Mapping[str, object]],
    elsewhere: Mapping[object, int],
    *,
    lacking: str,
    moved: bool,
) -> list[Seen]:
    seen = []
    for place, item in enumerate(one for one in answer.found if one.image_id in products):
        product = products[item.image_id]
        there = elsewhere.get(product["id"])
        change = lacking if there is None else ""
        if moved and there is not None and there != place:
            change = f"up {there - place}" if there > place else f"down {place - there}"
        image = product["image"]
        thumbnail = str(image.get("thumbnail", "")) if isinstance(image, dict) else ""
        seen.append(Seen(int(str(product["id"])), str(product["title"]), thumbnail, change))
    return seen
