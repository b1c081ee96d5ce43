"""What a page of the catalogue was asked for, as its address says it, and the addresses that lead on from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from catalog.filters.registry import PARAMETERS
from catalog.parameters import Parameters

SEARCH, SORT, PAGE = "search", "sort", "page"
MOST_SEARCH = 200  # characters
_SINGLE = (SEARCH, SORT, PAGE)


@dataclass(frozen=True)
class Address:
    """The parameters that the catalogue knows, by name; what else stood in the address is passed over."""

    parameters: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, request: HttpRequest) -> Address:
        """Of what may not be repeated the last value counts."""
        given: dict[str, list[str]] = {}
        for name, values in request.GET.lists():
            filled = [value for value in values if value.strip()]
            of_filter = next((one for one in PARAMETERS if one.takes(name)), None)
            if filled and (of_filter or name in _SINGLE):
                given[name] = filled if of_filter is not None and of_filter.many else filled[-1:]
        return cls(given)

    @property
    def filters(self) -> Parameters:
        """Without words, order and page."""
        return {name: values for name, values in self.parameters.items() if name not in _SINGLE}

    def one(self, name: str) -> str:
        """The value of a parameter that is given once; "" where it is not given."""
        values = self.parameters.get(name, ())
        return values[0] if values else ""

    def all(self, name: str) -> Sequence[str]:
        return self.parameters.get(name, ())

    def having(self, **changed: str | Sequence[str]) -> Address:
        """With other values, and without the parameters whose new value is empty; on the first page unless another is named."""
        merged = {name: values for name, values in self.parameters.items() if name != PAGE}
        for name, value in changed.items():
            merged[name] = [value] if isinstance(value, str) else value
        return Address({name: values for name, values in merged.items() if values and values[0] != ""})

    def toggled(self, name: str, value: str) -> Address:
        """With that value beside the others of the parameter, or without it where it was among them."""
        values = self.all(name)
        changed = [one for one in values if one != value] if value in values else [*values, value]
        return self.having(**{name: changed})

    def only(self, *names: str) -> Address:
        """With no other parameters than these."""
        return Address({name: values for name, values in self.parameters.items() if name in names})

    @property
    def hidden_fields(self) -> list[tuple[str, str]]:
        """For a form that changes the order alone."""
        return [(name, value) for name, values in self.having(sort="").parameters.items() for value in values]

    def __str__(self) -> str:
        """The path and the query string."""
        query = urlencode({name: list(values) for name, values in self.parameters.items()}, doseq=True)
        return f"{reverse('storefront')}?{query}" if query else reverse("storefront")
