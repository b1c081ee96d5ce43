"""Which photos the shop itself calls alike: the class of every photo by one label or several, and its duplicate group.

The classes of several labels are those of their conjunction: photos that share the value of each; a photo that lacks one
of them is unlabelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from recommender.evaluation.label_names import label_columns, split_labels
from recommender.merchandising.placeholders import is_placeholder

LEAST_PHOTOS_A_CLASS = 5
BETWEEN_NAMES = " + "  # of the classes of several labels that make one of the conjunction
_ROWS = 20_000

# Photos with features of all the encoders, of the pixels they show now; not those of placeholders, which nobody searches.
_PHOTOS = """
SELECT i.id, p.id, {new},
    CASE WHEN p.variant_group <> '' THEN hashtextextended(p.variant_group, 1) ELSE hashtextextended(p.sku, 2) END,
    hashtextextended(i.digest, 3), {labels}
FROM catalog_productimage i JOIN catalog_product p ON p.id = i.product_id LEFT JOIN catalog_category c ON c.id = p.category_id
WHERE i.digest <> '' AND NOT {placeholder} AND (SELECT count(*) FROM recommender_imagefeatures f
    WHERE f.image_id = i.id AND f.digest = i.digest AND f.encoder_id = ANY (%(encoders)s)) = cardinality(%(encoders)s::bigint[])
ORDER BY i.id
"""
_NEW = """EXISTS (SELECT FROM recommender_imagefeatures f
    WHERE f.image_id = i.id AND f.encoder_id = %(encoder)s AND f.id > %(since)s)"""


@dataclass(frozen=True, eq=False)
class Labelling:
    """The classes by one label. `classes` int32, a row a photo: index into `names`, -1 where unlabelled."""

    label: str
    classes: NDArray[np.int32]
    names: list[str]


@dataclass(frozen=True, eq=False)
class LabelledPhotos:
    """Columns of one row a photo, by ascending image id.

    `classes` int32: index into `names`, -1 where unlabelled; of several labels, the classes of their conjunction. `each`:
    the classes by each of several labels, empty of a single one. `groups` int64: duplicate group (photos of one product or
    variant group, and of products that share a file), a hash that stays the same. `new`: embedded after `since` of `read_photos`.
    """

    image_ids: NDArray[np.int64]
    product_ids: NDArray[np.int64]
    groups: NDArray[np.int64]
    classes: NDArray[np.int32]
    new: NDArray[np.bool_]
    names: list[str]
    each: tuple[Labelling, ...] = ()

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
            tuple(replace(one, classes=one.classes[rows]) for one in self.each),
        )

    def per_class(self) -> NDArray[np.int64]:
        """Photos of each class, int64 (classes,)."""
        return _per_class(self.classes, self.names)

    def families(self) -> tuple[NDArray[np.int64], list[str]]:
        """For each class its class by the first of the labels, int64 (classes,), index into the names that come with it.

        Of a single label each class is its own.
        """
        if not self.each:
            return np.arange(len(self.names)), self.names
        first = self.each[0]
        labelled = self.classes >= 0
        of_class = np.zeros(len(self.names), np.int64)
        of_class[self.classes[labelled]] = first.classes[labelled]
        codes, families = np.unique(of_class, return_inverse=True)
        return families, [first.names[code] for code in codes]


def read_photos(*, encoders: Sequence[int], labels: str, since: int | None = None) -> LabelledPhotos:
    """Every photo with features of all these encoders (ids; of none: every photo that has a file), with its class.

    Photos of placeholders are left out.
    Raises UnknownLabels.

    `since`: an id of ImageFeatures; photos that the first encoder embedded later are `new`. Replaced pixels give a row of
    a new id.
    """
    columns, parameters = label_columns(labels)
    parts: list[tuple[NDArray[np.int64], ...]] = []
    coders = [_Coder() for _ in columns]
    both = _Coder()
    values: dict[str, Any] = {
        "encoders": list(encoders),
        **parameters,
        "since": since,
        "encoder": encoders[0] if encoders else None,
    }
    statement = _PHOTOS.format(
        labels=", ".join(columns), new="false" if since is None else _NEW, placeholder=is_placeholder("i.digest")
    )
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(statement, values)
        while rows := cursor.fetchmany(_ROWS):
            read = list(zip(*rows, strict=True))
            numbers, texts = read[:5], read[5:]
            coded = [coder(column) for coder, column in zip(coders, texts, strict=True)]
            coded.append(both(map(_joined_names, *texts)) if len(texts) > 1 else coded[0])
            parts.append(tuple(np.array(column, np.int64) for column in (*numbers, *coded)))
    image_ids, product_ids, new, products, files, *labelled, classes = (
        (np.concatenate(column) for column in zip(*parts, strict=True))
        if parts
        else [np.zeros(0, np.int64)] * (6 + len(columns))
    )
    each = [
        Labelling(label, codes.astype(np.int32), coder.names)
        for label, codes, coder in zip(split_labels(labels), labelled, coders, strict=True)
    ]
    return LabelledPhotos(
        image_ids=image_ids,
        product_ids=product_ids,
        groups=_joined(products, files),
        classes=classes.astype(np.int32),
        new=new.astype(bool),
        names=both.names if len(each) > 1 else each[0].names,
        each=tuple(each) if len(each) > 1 else (),
    )


def too_few(photos: LabelledPhotos) -> str | None:
    """Why nothing can be learned from these labels, None where something can."""
    for one in photos.each:
        if why := _too_few(one.classes, one.names):
            return f"{one.label}: {why}"
    if not photos.each:
        return _too_few(photos.classes, photos.names)
    counts = photos.per_class()
    if not len(counts):
        return "no photo has all these labels"
    labelled, in_small = int(counts.sum()), int(counts[counts < LEAST_PHOTOS_A_CLASS].sum())
    if 2 * in_small > labelled:  # most values of labels meet seldom: not the classes count, but the photos in them
        return (
            f"{in_small} of the {labelled} photos that have all these labels share them with fewer than "
            f"{LEAST_PHOTOS_A_CLASS - 1} others"
        )
    return None


class _Coder:
    """Numbers texts by their first appearance, over all batches; None is -1."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def __call__(self, texts: Iterable[str | None]) -> list[int]:
        return [-1 if text is None else self._codes.setdefault(text, len(self._codes)) for text in texts]

    @property
    def names(self) -> list[str]:
        return list(self._codes)


def _joined_names(*names: str | None) -> str | None:
    return None if None in names else BETWEEN_NAMES.join(name for name in names if name is not None)


def _per_class(classes: NDArray[np.int32], names: list[str]) -> NDArray[np.int64]:
    return np.bincount(classes[classes >= 0], minlength=len(names))


def _too_few(classes: NDArray[np.int32], names: list[str]) -> str | None:
    counts = _per_class(classes, names)
    if not len(counts):
        return "no photo has this label"
    if len(counts) < 2:
        return f"all {counts[0]} labelled photos are of one class ({names[0]}): nothing tells photos apart"
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
