"""What the admin says of new photos whose picture is in the catalogue already."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog.admin.uploads import Upload
from catalog.models import Product
from recommender.pictures.hashes import keep
from recommender.pictures.known import KnownPicture, Relation, known_pictures


def told_of_known(product: Product | None, uploads: Sequence[Upload]) -> list[tuple[str, SafeString]]:
    """Level and text for each new photo of the product that shows a picture of the catalogue, with a link to who shows it.
    None: of a product that is not saved yet.

    The hashes are kept at once, so that the next photo is compared with these though no worker has seen them yet.
    """
    hashes = {upload.kept.digest: upload.hashes for upload in uploads}
    known = known_pictures(
        {digest: np.array(one, np.uint64) for digest, one in hashes.items()},
        product_id=0 if product is None else product.pk,
    )
    keep(hashes)
    return [
        ("info" if _is_usual(picture) else "warning", _said(upload.name, picture))
        for upload in uploads
        if (picture := known.get(upload.kept.digest)) is not None
    ]


def _is_usual(picture: KnownPicture) -> bool:
    """Variants share photos."""
    return picture.relation == Relation.VARIANT and not picture.placeholder


def _said(name: str, picture: KnownPicture) -> SafeString:
    return format_html("{} {} {}{}.", name, _likeness(picture), _shown_by(picture), _consequence(picture))


def _likeness(picture: KnownPicture) -> str:
    what = "the placeholder" if picture.placeholder else "the same file as a photo"
    if picture.bits is None:
        return f"is {what} of"
    return "looks the same as the placeholder of" if picture.placeholder else "looks the same as a photo of"


def _shown_by(picture: KnownPicture) -> SafeString:
    if picture.relation == Relation.ITSELF:
        return format_html("{}", "this product")
    link = format_html(
        '<a href="{}">{} ({})</a>',
        reverse("admin:catalog_product_change", args=[picture.product_id]),
        picture.title,
        picture.sku,
    )
    variant = "its variant " if picture.relation == Relation.VARIANT else ""
    others = f" and {picture.others} other product{'s' * (picture.others > 1)}" if picture.others else ""
    return format_html("{}{}{}", variant, link, others)


def _consequence(picture: KnownPicture) -> str:
    return "; it is neither searched by nor found" if picture.placeholder else ""
