"""What a shopper asked of the similar things on a product's page: by which photo, by shape or colour, among what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest

SHOWN = 12
VARIETY = "0.5"  # how much unlikeness among them counts where variety is asked for
_NAMES = ("color_weight", "category", "in_stock", "diversity")


@dataclass(frozen=True)
class SimilarAsked:
    """`photo`: the number of the product's photo, from 1. `given`: the rest, by the names of the search."""

    photo: int
    given: Mapping[str, str]

    @classmethod
    def of(cls, request: HttpRequest) -> SimilarAsked:
        number = request.GET.get("photo", "")
        photo = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 1
        return cls(photo, {name: value for name in _NAMES if (value := request.GET.get(name, "").strip())})

    @property
    def parameters(self) -> Mapping[str, Sequence[str]]:
        """As the search takes them."""
        return {"limit": [str(SHOWN)], **{name: [value] for name, value in self.given.items()}}

    @property
    def same_category(self) -> bool:
        return "category" in self.given

    @property
    def in_stock(self) -> bool:
        return self.given.get("in_stock") == "true"

    @property
    def variety(self) -> bool:
        return "diversity" in self.given

    @property
    def why_query(self) -> str:
        """What an address that explains one of them ends with."""
        weight = self.given.get("color_weight")
        return f"?{urlencode({'color_weight': weight})}" if weight else ""

    @property
    def rest_query(self) -> str:
        """What addresses of the product's other photos go on with."""
        return f"&{urlencode(self.given)}" if self.given else ""
