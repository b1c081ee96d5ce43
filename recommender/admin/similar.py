"""Similar items of a product as the shop's people see them: with scores, their parts, and a shopper's filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils import timezone

from catalog.filters.attribute_names import PREFIX
from catalog.models import Category
from catalog.parameters import InvalidParameter
from recommender.merchandising.rules import in_force
from recommender.models import Rule, Space
from recommender.records.calibration import LABELS
from recommender.search import products as hydration
from recommender.search.answers import NoActiveSpace
from recommender.search.filters import SearchOptions, parse
from recommender.search.query_products import UnknownProduct
from recommender.search.similarity import similar_to_product
from recommender.spaces.active import active_space

SIMILAR = 12
# What the panel lets a person choose, by its name in the panel; the API's names but for an attribute's name and value.
CHOICES = ("color_weight", "category", "brand", "min_price", "max_price", "in_stock", "min_confidence")
_LABELS = {
    "color_weight": "Shape or colour",
    "category": "Category",
    "brand": "Brand",
    "min_price": "Price from",
    "max_price": "Price to",
    "min_confidence": "Confidence from",
}
_ATTRIBUTE, _VALUE = "attribute", "value"


@dataclass(frozen=True)
class SimilarItems:
    """The similar items of a product for people: `status` as in the API, `detail` why there are none, `by_labels` whether
    their confidence is a share of answers with the same label (else a percentile of scores). `chosen`: the filters as they were
    written. `weight`: how much colour counts, in per cent; None in a space without colour. `hiding`: the rules by which this product
    is never answered with another one."""

    status: str
    detail: str = ""
    found: Sequence[Mapping[str, Any]] = ()
    by_labels: bool = False
    chosen: Mapping[str, str] = field(default_factory=dict)
    weight: int | None = None
    hiding: Sequence[Rule] = ()

    @property
    def categories(self) -> list[Category]:
        """For the panel's choice."""
        return list(Category.objects.order_by("path"))

    @property
    def is_filtered(self) -> bool:
        return bool(self.chosen)


def similar_items(product_id: int, written: QueryDict) -> SimilarItems:
    """Published lookalikes of a product, published or not itself, best first. `written`: what a person chose in the panel."""
    in_force.forget_rules()  # who has just made one by another process sees what it does
    chosen = {name: text for name in (*CHOICES, _ATTRIBUTE, _VALUE) if (text := written.get(name, "").strip())}
    space = active_space()
    weight = _weight(space, chosen)
    try:
        options = _options(chosen)
        answer = similar_to_product(product_id=product_id, options=options, unpublished=True)
    except InvalidParameter as error:
        label = _LABELS.get(error.parameter, error.parameter)
        return SimilarItems("failed", f"{label}: {error}", chosen=chosen, weight=weight)
    except (NoActiveSpace, UnknownProduct) as error:
        return SimilarItems("failed", str(error), chosen=chosen, weight=weight)
    products = hydration.products_by_image([item.image_id for item in answer.found])
    rules = _rules(product_id)
    found = [
        products[item.image_id]
        | {
            "score": item.score,
            "confidence": item.confidence,
            "shape": item.shape,
            "colour": item.colour,
            "place": place,
            "rules": rules.get(item.product_id, []),
        }
        for place, item in enumerate(answer.found, 1)
        if item.image_id in products
    ]
    hiding = [rule for one in rules.values() for rule in one if rule.kind == Rule.Kind.HIDE]
    by_labels = answer.confidence_basis == LABELS
    return SimilarItems(answer.status, answer.detail, found, by_labels, chosen, weight, hiding)


def _rules(product_id: int) -> Mapping[int, list[Rule]]:
    """The rules in force that were made for this product alone, by the product that they move or hide."""
    now = timezone.now()
    made = Rule.objects.filter(for_product=product_id, target=Rule.Target.PRODUCT, enabled=True)
    found: dict[int, list[Rule]] = {}
    for rule in made.select_related("product").order_by("pk"):
        if rule.product_id is not None and rule.state_at(now) == "in force":
            found.setdefault(rule.product_id, []).append(rule)
    return found


def _options(chosen: Mapping[str, str]) -> SearchOptions:
    """Raises InvalidParameter."""
    parameters = {name: [text] for name, text in chosen.items() if name in CHOICES}
    if "color_weight" in chosen:
        parameters["color_weight"] = [f"{_per_cent(chosen['color_weight']) / 100:g}"]
    if chosen.get(_ATTRIBUTE) and chosen.get(_VALUE):
        parameters[f"{PREFIX}{chosen[_ATTRIBUTE]}"] = [chosen[_VALUE]]
    return parse({"limit": [str(SIMILAR)], **parameters})


def _weight(space: Space | None, chosen: Mapping[str, str]) -> int | None:
    if space is None or not space.colour_dimensions:
        return None
    try:
        return (
            round(_per_cent(chosen["color_weight"])) if "color_weight" in chosen else round(100 * space.colour_weight)
        )
    except InvalidParameter:
        return round(100 * space.colour_weight)


def _per_cent(text: str) -> float:
    """Raises InvalidParameter."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise InvalidParameter("color_weight", "a number from 0 to 100 is needed")
    return value
