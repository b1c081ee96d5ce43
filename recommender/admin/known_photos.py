"""What the admin says of new photos whose picture is in the catalogue already."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog.admin.forms import Upload
from catalog.models import Product
from recommender.pictures.hashes import keep
from recommender.pictures.known import KnownPicture, Relation, known_pictures


def tell_of_known(request: HttpRequest, product: Product, uploads: Sequence[Upload]) -> None:
    """A message for each new photo of the product that shows a picture of the catalogue, with a link to who shows it.

    The hashes are kept at once, so that the next photo is compared with these though no worker has seen them yet.
    """
    hashes = {upload.kept.digest: upload.hashes for upload in uploads}
    known = known_pictures({digest: np.array(one, np.uint64) for digest, one in hashes.items()}, product_id=product.pk)
    for upload in uploads:
        if (picture := known.get(upload.kept.digest)) is not None:
            level = messages.INFO if _is_usual(picture) else messages.WARNING
            messages.add_message(request, level, _said(upload.name, picture))
    keep(hashes)


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
