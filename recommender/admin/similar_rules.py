"""Pin, hide, boost and bury right at the similar items of a product, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from catalog.models import Product
from recommender.merchandising.rules import editing
from recommender.models import Rule

MAY_RULE = "recommender.add_rule"
_MAKE: Mapping[str, Callable[..., Rule]] = {"hide": editing.hide, "boost": editing.boost, "bury": editing.bury}
_DONE = {"pin": "pinned", "hide": "never shown here", "boost": "boosted here", "bury": "buried here"}


def obey(request: HttpRequest, product: Product) -> None:
    """Do what a button beside the similar items of a product says, and tell of it.

    `do`: pin, hide, boost or bury the product `product` in answers for this one; or undo the rule `rule`.
    """
    if not request.user.has_perm(MAY_RULE) or not request.user.is_authenticated:
        raise PermissionDenied
    do = request.POST.get("do", "")
    try:
        if do == "undo":
            rule = get_object_or_404(Rule, pk=_number(request, "rule"), for_product=product)
            editing.switch(rule.pk, enabled=False, by=request.user)
            messages.success(request, f"Taken back: {rule}.")
            return
        target = get_object_or_404(Product, pk=_number(request, "product"))
        if do == "pin":
            place = _number(request, "place")
            editing.pin(product.pk, target.pk, place, by=request.user)
            messages.success(request, f"{target} is pinned at place {place}. Shoppers see it within seconds.")
        elif do in _MAKE:
            _MAKE[do](product.pk, target.pk, by=request.user)
            messages.success(request, f"{target} is {_DONE[do]}. Shoppers see it within seconds.")
        else:
            raise ValidationError("Choose what to do: pin, hide, boost, bury or undo.")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))


def _number(request: HttpRequest, name: str) -> int:
    """Raises ValidationError."""
    text = request.POST.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValidationError(f"A whole number is needed as {name}.")
    return int(text)
