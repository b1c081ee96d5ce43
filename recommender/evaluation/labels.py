"""Which photos the shop itself calls alike: the class of every photo by a label, and its duplicate group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

LEAST_PHOTOS_A_CLASS = 5
_ROWS = 20_000

# SQL of a label on p (product) and c (category); NULL means unlabelled. The text after `attribute:` is a parameter.
_CLASS = {
    "category": "c.slug",
    "brand": "nullif(p.brand, '')",
    "attribute": "nullif(p.attributes ->> %(name)s, '')",
    "product": "CASE WHEN p.variant_group <> '' THEN 'group ' || p.variant_group ELSE 'product ' || p.id END",
}

# Photos with features of all the encoders, of the pixels they show now.
_PHOTOS = """
SELECT i.id, p.id, {new},
    CASE WHEN p.variant_group <> '' THEN hashtextextended(p.variant_group, 1) ELSE hashtextextended(p.sku, 2) END,
    hashtextextended(i.digest, 3), {label}
FROM catalog_productimage i JOIN catalog_product p ON p.id = i.product_id LEFT JOIN catalog_category c ON c.id = p.category_id
WHERE i.digest <> '' AND (SELECT count(*) FROM recommender_imagefeatures f
    WHERE f.image_id = i.id AND f.digest = i.digest AND f.encoder_id = ANY (%(encoders)s)) = cardinality(%(encoders)s::bigint[])
ORDER BY i.id
"""
_NEW = """EXISTS (SELECT FROM recommender_imagefeatures f
    WHERE f.image_id = i.id AND f.encoder_id = %(encoder)s AND f.id > %(since)s)"""


class UnknownLabels(ValueError):
    """`--labels` names nothing that a catalogue has; the text lists what it may be."""


@dataclass(frozen=True, eq=False)
class LabelledPhotos:
    """Columns of one row a photo, by ascending image id.

    `classes` int32: index into `names`, -1 where unlabelled. `groups` int64: duplicate group (photos of one product or
    variant group, and of products that share a file), a hash that stays the same. `new`: embedded after `since` of `read_photos`.
    """

    image_ids: NDArray[np.int64]
    product_ids: NDArray[np.int64]
    groups: NDArray[np.int64]
    classes: NDArray[np.int32]
    new: NDArray[np.bool_]
    names: list[str]

    def __len__(self) -> int:
        return len(self.image_ids)

    def taken(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> LabelledPhotos:
        """Only those rows (a mask, or positions)."""
        return LabelledPhotos(
            self.image_ids[rows],
            self.product_ids[rows],
            self.groups[rows],
            self.classes[rows],
            self.new[rows],
            self.names,
        )

    def per_class(self) -> NDArray[np.int64]:
        """Photos of each class, int64 (classes,)."""
        return np.bincount(self.classes[self.classes >= 0], minlength=len(self.names))


def checked_labels(text: str) -> str:
    """`category`, `brand`, `attribute:NAME` or `product`. Raises UnknownLabels."""
    kind, _, name = text.partition(":")
    if text in ("category", "brand", "product") or (kind == "attribute" and 1 <= len(name) <= 200):
        return text
    raise UnknownLabels(f"there are no labels {text!r}; use category, brand, product or attribute:NAME")


def label_expression(labels: str) -> tuple[str, str]:
    """SQL of a class (a constant of this module) on p, a product, and c, its category; and its parameter `name`."""
    kind, _, name = checked_labels(labels).partition(":")
    return _CLASS[kind], name


def read_photos(*, encoders: Sequence[int], labels: str, since: int | None = None) -> LabelledPhotos:
    """Every photo with features of all these encoders (ids; of none: every photo that has a file), with its class.

    Raises UnknownLabels.

    `since`: an id of ImageFeatures; photos that the first encoder embedded later are `new`. Replaced pixels give a row of
    a new id.
    """
    expression, name = label_expression(labels)
    parts: list[tuple[NDArray[np.int64], ...]] = []
    codes: dict[str, int] = {}
    values: dict[str, Any] = {
        "encoders": list(encoders),
        "name": name,
        "since": since,
        "encoder": encoders[0] if encoders else None,
    }
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_PHOTOS.format(label=expression, new="false" if since is None else _NEW), values)
        while rows := cursor.fetchmany(_ROWS):
            *numbers, texts = zip(*rows, strict=True)
            classes = [-1 if text is None else codes.setdefault(text, len(codes)) for text in texts]
            parts.append(tuple(np.array(column, np.int64) for column in (*numbers, classes)))
    image_ids, product_ids, new, products, files, labelled = (
        (np.concatenate(column) for column in zip(*parts, strict=True)) if parts else [np.zeros(0, np.int64)] * 6
    )
    return LabelledPhotos(
        image_ids=image_ids,
        product_ids=product_ids,
        groups=_joined(products, files),
        classes=labelled.astype(np.int32),
        new=new.astype(bool),
        names=list(codes),
    )


def too_few(photos: LabelledPhotos) -> str | None:
    """Why nothing can be learned from these labels, None where something can."""
    counts = photos.per_class()
    if not len(counts):
        return "no photo has this label"
    if len(counts) < 2:
        return f"all {counts[0]} labelled photos are of one class ({photos.names[0]}): nothing tells photos apart"
    small = int((counts < LEAST_PHOTOS_A_CLASS).sum())
    if 2 * small > len(counts):
        return f"{small} of {len(counts)} classes have fewer than {LEAST_PHOTOS_A_CLASS} labelled photos"
    return None


def _joined(products: NDArray[np.int64], files: NDArray[np.int64]) -> NDArray[np.int64]:
    """Connected groups: photos of one product, and products that share a file; each named by its least product."""
    group = products.copy()
    keys = [np.unique(key, return_inverse=True)[1] for key in (products, files)]
    while len(group):
        before = group
        for key in keys:
            least = np.full(key.max() + 1, np.iinfo(np.int64).max)
            np.minimum.at(least, key, group)
            group = least[key]
        if np.array_equal(group, before):
            break
    return group
