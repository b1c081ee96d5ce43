"""Which new photo files show what a photo of the catalogue shows already, for whoever adds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from django.db import connection

from recommender.models import PlaceholderFile
from recommender.pictures.hashes import Hashes, files_near


class Relation(IntEnum):
    """How a product that shows the picture stands to the one that the file was added to. The first is told of first."""

    OTHER = 0
    VARIANT = 1
    ITSELF = 2


@dataclass(frozen=True, kw_only=True)
class KnownPicture:
    """A picture of the catalogue that a new file shows, and one product of those that show it.

    `bits`: between the hashes of the two files; None where they are the same file. Near hashes alone do not prove that two
    files show the same, so it is to be said that they look the same. `others`: further products of the same relation that
    have a photo of that very file. `placeholder`: the picture stands for many products and is neither query nor answer.
    """

    product_id: int
    title: str
    sku: str
    relation: Relation
    bits: int | None
    others: int
    placeholder: bool


# Of the products with a photo of each file, by their relation to the product %(product)s: one that is published rather than
# one that is not, and of these the oldest. The new photo itself is none.
_SHOWN = """
SELECT DISTINCT ON (i.digest, relation) i.digest, relation, p.id, p.title, p.sku,
    count(*) OVER (PARTITION BY i.digest, relation)
FROM catalog_productimage i
JOIN catalog_product p ON p.id = i.product_id
LEFT JOIN catalog_product own ON own.id = %(product)s
CROSS JOIN LATERAL (SELECT CASE
    WHEN p.id = own.id THEN 2 WHEN own.variant_group <> '' AND p.variant_group = own.variant_group THEN 1 ELSE 0
END AS relation) related
WHERE i.digest = ANY (%(digests)s)
ORDER BY i.digest, relation, NOT p.published, p.id
"""


def known_pictures(files: Mapping[str, Hashes], *, product_id: int) -> Mapping[str, KnownPicture]:
    """Which of the files that were added to a product show a picture of the catalogue, by the file's digest.

    `files`: the hashes, uint64 (4,), by digest. A file that is only like other new ones is not found. It reads the table of
    hashes once for each file; call it outside transactions.
    """
    bits = {digest: {near.digest: near.bits for near in files_near(hashes)} for digest, hashes in files.items()}
    asked = {one for digest, near in bits.items() for one in (digest, *near)}
    placeholders = set(
        PlaceholderFile.objects.filter(digest__in=asked, placeholder__is_placeholder=True).values_list(
            "digest", flat=True
        )
    )
    shown: dict[str, list[Sequence[Any]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_SHOWN, {"product": product_id, "digests": sorted(asked)})
        for row in cursor.fetchall():
            shown.setdefault(row[0], []).append(row)
    known = {}
    for digest, near in bits.items():
        found = [
            KnownPicture(
                product_id=product,
                title=title,
                sku=sku,
                relation=Relation(relation),
                bits=None if other == digest else near[other],
                others=count - 1,
                placeholder=not placeholders.isdisjoint((digest, other)),
            )
            for other in dict.fromkeys((digest, *near))
            for _, relation, product, title, sku, count in shown.get(other, ())
            if other != digest or relation != Relation.ITSELF
        ]
        if found:
            known[digest] = _told(found)
    return known


def _told(found: Iterable[KnownPicture]) -> KnownPicture:
    """The same file before one that is near, other products before variants, and the nearest first."""
    return min(found, key=lambda one: (one.bits is not None, one.relation, one.bits or 0, one.product_id))
