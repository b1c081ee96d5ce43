"""The photos of the bench's shop that ask and are found, and the class of each by every label and by all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.labels import LabelledPhotos, read_photos

Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Labelled:
    """One row a duplicate group (variants, photos of one product, products that share a file): its first product's first photo.

    `image_ids`, `product_ids`: int64 (rows,). `classes`: int32 (rows,) by label, -1 where unlabelled; of several labels the
    last is their conjunction. `members`: row of the group by product id. `member_classes`: class by label and product id.
    """

    image_ids: Numbers
    product_ids: Numbers
    classes: Mapping[str, NDArray[np.int32]]
    members: Mapping[int, int]
    member_classes: Mapping[str, Mapping[int, int]]

    def __len__(self) -> int:
        return len(self.image_ids)


def read_labelled(*, encoder_id: int, labels: str, first_photos: Mapping[int, int]) -> Labelled:
    """Of the photos that the encoder has embedded. `first_photos`: the photo that each product is searched by.

    Raises UnknownLabels.
    """
    photos = read_photos(encoders=[encoder_id], labels=labels)
    classes = classes_by_label(photos, labels)
    asking = np.array([first_photos.get(product) for product in photos.product_ids.tolist()]) == photos.image_ids
    rows = np.flatnonzero(asking)
    rows = rows[np.lexsort((photos.product_ids[rows], photos.groups[rows]))]
    _, firsts, places = np.unique(photos.groups[rows], return_index=True, return_inverse=True)
    order = np.argsort(photos.product_ids[rows[firsts]], kind="stable")
    chosen = rows[firsts][order]
    place_of = np.empty(len(order), np.int64)
    place_of[order] = np.arange(len(order))
    products = photos.product_ids[rows].tolist()
    return Labelled(
        image_ids=photos.image_ids[chosen],
        product_ids=photos.product_ids[chosen],
        classes={label: one[chosen] for label, one in classes.items()},
        members=dict(zip(products, place_of[places].tolist(), strict=True)),
        member_classes={label: dict(zip(products, one[rows].tolist(), strict=True)) for label, one in classes.items()},
    )


def classes_by_label(photos: LabelledPhotos, labels: str) -> dict[str, NDArray[np.int32]]:
    """The classes int32 (photos,) by each label; of several, last, those of their conjunction, named `a and b`."""
    if not photos.each:
        return {labels: photos.classes}
    found = {one.label: one.classes for one in photos.each}
    return {**found, " and ".join(found): photos.classes}
