"""The colours of a product, from the histogram that was counted when its primary photo was embedded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from recommender.encoder.stored_features import features_of
from recommender.encoder.swatches import dominant_colours
from recommender.index.parts import has_colour
from recommender.search.colours import WeightedColour
from recommender.search.query_products import query_product
from recommender.search.space import current_space, in_active_space

MOST = 5


@dataclass(frozen=True, kw_only=True)
class ProductColours:
    """`colours`: with their shares, the largest first; none unless `status` is ready.

    `unavailable`: the active space has no colour part. `reason` (in a word) and `detail` (in words) say why it failed.
    """

    status: Literal["ready", "pending", "failed", "unavailable"]
    colours: tuple[WeightedColour, ...] = ()
    reason: str = ""
    detail: str = ""


@in_active_space
def product_colours(*, product_id: int) -> ProductColours:
    """At most MOST colours of the photo that the product is searched by. Raises UnknownProduct, NoActiveSpace."""
    space = current_space()
    product = query_product(space=space, product_id=product_id)
    if not has_colour(space):
        return ProductColours(status="unavailable")
    if not product.photos:
        return ProductColours(status=product.status, reason=product.reason, detail=product.detail)
    _, rows = features_of(space.encoder_id, [product.photos[0].image_id])
    if not len(rows):
        return ProductColours(status="pending")  # the photo was replaced at this moment
    histogram = rows[0][space.encoder.dimensions :]
    return ProductColours(status="ready", colours=tuple(dominant_colours(histogram, most=MOST)))
