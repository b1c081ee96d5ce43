"""The form of a search by photo: what a shopper narrowed it to, and the photo as the page shows it again."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from catalog.parameters import Parameters
from catalog.photos.errors import PhotoError
from catalog.photos.reading import decode_photo
from catalog.product_search import category_counts

PREVIEW_SIDE = 640
FIELDS = ("category", "min_price", "max_price", "in_stock", "crop")


@dataclass(frozen=True)
class Option:
    """A category to choose. `label`: its name, with a dash for each level above."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class Narrowed:
    """What was chosen beside the photo. `parameters`: as the search takes them, without the empty ones."""

    parameters: Parameters

    @classmethod
    def of(cls, given: Parameters) -> Narrowed:
        found = {name: [given[name][-1].strip()] for name in FIELDS if given.get(name)}
        return cls({name: values for name, values in found.items() if values[0]})

    @property
    def min_price(self) -> str:
        return self._one("min_price")

    @property
    def max_price(self) -> str:
        return self._one("max_price")

    @property
    def in_stock(self) -> bool:
        return self._one("in_stock") == "true"

    @property
    def categories(self) -> Sequence[Option]:
        """Those that have products, in the order of the tree."""
        chosen = self._one("category")
        return [
            Option(
                node.category.slug,
                "– " * (node.category.depth - 1) + node.category.name,
                node.category.slug == chosen,
            )
            for node in category_counts()
        ]

    def _one(self, name: str) -> str:
        values = self.parameters.get(name, ())
        return values[0] if values else ""


def preview_of(photo: bytes) -> str:
    """A photo as a small JPEG in a data URL, upright; "" where it cannot be decoded now.

    Browsers cannot show every kind of photo that is searched with, and a page without scripts has no other way to show the
    photo again, which is not kept.
    """
    try:
        picture = decode_photo(io.BytesIO(photo), at_least=PREVIEW_SIDE)
    except PhotoError:
        return ""
    picture.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=82)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
