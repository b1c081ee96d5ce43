"""Searches for the storefront to ask in tests, by the dotted path of `settings.STOREFRONT_SEARCH`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.http import HttpRequest

from catalog.parameters import Parameters
from catalog.storefront.port import Alike, Found, Why


@dataclass
class KnownSearch:
    """Answers everything with `found`, or with what `fails` raises. `asked`: the parameters of each search."""

    found: Found = field(default_factory=lambda: Found(status="ready"))
    explained: Why | None = None
    colors: Sequence[str] = ()
    in_stock_first: bool = False
    fails: Callable[[], Exception] | None = None
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    images: list[int | None] = field(default_factory=list)

    def similar(self, request: HttpRequest, *, product_id: int, image_id: int | None, parameters: Parameters) -> Found:
        self.images.append(image_id)
        return self._answer(parameters)

    def colors_of(self, request: HttpRequest, *, product_id: int) -> Sequence[str]:
        return self.colors

    def by_colors(self, request: HttpRequest, *, parameters: Parameters) -> tuple[Found, Sequence[str]]:
        return self._answer(parameters), parameters["hex"]

    def upload(self, request: HttpRequest) -> tuple[bytes, Parameters]:
        return request.FILES["image"].read(), dict(request.POST.lists())

    def by_photo(self, request: HttpRequest, *, photo: bytes | str, parameters: Parameters) -> tuple[Found, bytes]:
        return self._answer(parameters), photo if isinstance(photo, bytes) else b""

    def why(self, request: HttpRequest, *, product_id: int, other_id: int, parameters: Parameters) -> Why | None:
        self._answer(parameters)
        return self.explained

    def stock_first(self) -> bool:
        return self.in_stock_first

    def _answer(self, parameters: Parameters) -> Found:
        self.asked.append({name: list(values) for name, values in parameters.items()})
        if self.fails is not None:
            raise self.fails()
        return self.found


SEARCH = KnownSearch()


def found(*products: tuple[int, int], color_weight: float | None = 0.18) -> Found:
    """Products with the photos that are alike."""
    return Found(status="ready", results=[Alike(*one) for one in products], color_weight=color_weight)
