"""Placeholders: pictures such as "image coming soon", which stand for many products and show none.

Their photos have features and no vectors, so they are in no index: neither queries nor answers. Which pictures are
placeholders is found by counting (`recommender.merchandising.counting`) or ruled by a person; `recommender.pipeline.withholding`
removes their vectors and makes them again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import LiteralString

from django.db import connection, transaction
from django.db.models import QuerySet

from catalog.models import ProductImage
from recommender.locks import share_placeholders
from recommender.models import Placeholder, PlaceholderFile

_IS_PLACEHOLDER = """EXISTS (
    SELECT FROM recommender_placeholderfile shown JOIN recommender_placeholder picture ON picture.id = shown.placeholder_id
    WHERE shown.digest = {} AND picture.is_placeholder
)"""

# Products of one variant group count once, a product without a group by itself.
GROUP = "CASE WHEN p.variant_group <> '' THEN hashtextextended(p.variant_group, 1) ELSE p.id END"

_NOTHING_ELSE = f"""
SELECT count(DISTINCT i.product_id) FROM recommender_placeholderfile file
JOIN recommender_placeholder placeholder ON placeholder.id = file.placeholder_id AND placeholder.is_placeholder
JOIN catalog_productimage i ON i.digest = file.digest
WHERE NOT EXISTS (
    SELECT FROM catalog_productimage other WHERE other.product_id = i.product_id AND NOT {_IS_PLACEHOLDER.format("other.digest")}
)
"""  # noqa: S608 (SQL of our own)


class UnknownPhoto(LookupError):
    """No photo of the catalogue has this file."""

    def __init__(self, digest: str) -> None:
        super().__init__(f"no photo has a file of the digest {digest[:64]!r}")


def is_placeholder(digest_column: LiteralString) -> LiteralString:
    """SQL: whether the file whose digest stands in that column shows a placeholder. One look-up in an index for each row."""
    return _IS_PLACEHOLDER.format(digest_column)


def withheld(digests: Collection[str]) -> set[str]:
    """Those of the files that show placeholders: their photos get no vectors.

    Call it in the transaction that writes the vectors, before it does: a picture that becomes a placeholder meanwhile loses
    them when that transaction has ended.
    """
    share_placeholders()
    return set(placeholder_files().filter(digest__in=set(digests)).values_list("digest", flat=True))


def placeholder_files() -> QuerySet[PlaceholderFile]:
    """The files that show placeholders."""
    return PlaceholderFile.objects.filter(placeholder__is_placeholder=True)


def rule(*, digest: str, ruling: Placeholder.Ruling) -> Placeholder:
    """A person's word on the picture that a photo file shows, over whatever was counted. `update` applies it.

    Raises UnknownPhoto.
    """
    if not ProductImage.objects.filter(digest=digest).exclude(digest="").exists():
        raise UnknownPhoto(digest)
    with transaction.atomic():
        file = PlaceholderFile.objects.filter(digest=digest).first()
        if file is None:
            placeholder, _ = Placeholder.objects.get_or_create(digest=digest)
            file, _ = PlaceholderFile.objects.get_or_create(digest=digest, defaults={"placeholder": placeholder})
        placeholder = Placeholder.objects.select_for_update().get(pk=file.placeholder_id)
        placeholder.ruling = ruling
        placeholder.save(update_fields=["ruling"])
    return placeholder


def products_with_nothing_else() -> int:
    """How many products have photos, and all of them are placeholders."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTHING_ELSE)
        return int(cursor.fetchone()[0])
