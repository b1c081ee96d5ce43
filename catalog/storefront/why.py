"""What two products have in common, as a shopper sees it: both photos with their matching parts tinted, and one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext

from catalog.models import ProductImage
from catalog.parameters import InvalidParameter
from catalog.representation import products_for_answers
from catalog.storefront import port
from catalog.storefront.cards import Card, cards_of
from catalog.storefront.wording import why_sentence


@dataclass(frozen=True)
class Side:
    """A product and the picture that is shown of it, a data URL. `width` and `height`: of its photo, whose shape it has."""

    card: Card
    picture: str
    width: int | None
    height: int | None


@dataclass(frozen=True)
class Explanation:
    """`sides`: the product that was looked at and the one that is like it; none where `sentence` says why there is nothing."""

    product: Card
    other: Card
    sides: Sequence[Side]
    sentence: str
    status: int = 200


def explanation_of(request: HttpRequest, *, product_id: int, other_id: int) -> Explanation | None:
    """None where one of the products is not published."""
    products = products_for_answers().defer("description", "attributes").in_bulk([product_id, other_id])
    if len(products) < 2:
        return None
    cards = cards_of([products[product_id], products[other_id]])
    weight = request.GET.get("color_weight", "").strip()
    parameters = {"color_weight": [weight]} if weight else {}
    try:
        found = port.search().why(request, product_id=product_id, other_id=other_id, parameters=parameters)
    except InvalidParameter:
        return None
    except (port.SearchAway, port.SearchBusy):
        sentence = gettext("We cannot compare the two right now. Please try again in a moment.")
        return Explanation(cards[0], cards[1], (), sentence, status=503)
    if found is None:
        sentence = gettext("We are still looking at one of the photos. Please come back in a moment.")
        return Explanation(cards[0], cards[1], (), sentence)
    images = ProductImage.objects.in_bulk(found.image_ids)
    sides = [
        Side(card, picture, images[pk].width if pk in images else None, images[pk].height if pk in images else None)
        for card, picture, pk in zip(cards, found.pictures, found.image_ids, strict=True)
    ]
    return Explanation(cards[0], cards[1], sides, why_sentence(found))
