"""What the storefront asks of the search, which is another app: `settings.STOREFRONT_SEARCH` is the dotted path of its Search.

Every method raises SearchAway, SearchBusy and catalog.parameters.InvalidParameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, cast

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from catalog.parameters import Parameters

Crop = tuple[float, float, float, float]
PhotoFault = Literal["not_a_photo", "too_large", "unreadable", "no_photo", "bad_address", "not_fetched"]


class SearchAway(Exception):
    """There is no answer now, and there may be one later."""


class SearchBusy(Exception):
    """It was asked too often, or has too much to do. `seconds`: when to ask again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"ask again in {seconds} s")
        self.seconds = seconds


class PhotoRefused(Exception):
    """The photo cannot be searched with."""

    def __init__(self, fault: PhotoFault) -> None:
        super().__init__(fault)
        self.fault: PhotoFault = fault


@dataclass(frozen=True)
class Alike:
    """A product that was found, and its photo that is most alike."""

    product_id: int
    image_id: int


@dataclass(frozen=True, kw_only=True)
class Found:
    """`status`: `pending` where the photo is still to be looked at, `failed` where it cannot be. `results`: best first.

    `color_weight`: how much colour counted, 0 to 1; None where the shop cannot tell colours. `filled`: the last of them are of
    the same category and need not look alike.
    """

    status: Literal["ready", "pending", "failed"]
    results: Sequence[Alike] = ()
    color_weight: float | None = None
    filled: bool = False


@dataclass(frozen=True, kw_only=True)
class Why:
    """What two photos have in common. `pictures`: both, their matching parts tinted, as data URLs. `shape`, `color`: cosines;
    `color` is None where the shop cannot tell colours."""

    pictures: tuple[str, str]
    image_ids: tuple[int, int]
    shape: float
    color: float | None


class Search(Protocol):
    """See the module."""

    def similar(self, request: HttpRequest, *, product_id: int, image_id: int | None, parameters: Parameters) -> Found:
        """What looks like a published product, by one of its photos; None: the first that can be searched by."""

    def colors_of(self, request: HttpRequest, *, product_id: int) -> Sequence[str]:
        """The product's own colours, six hexadecimal digits each; none where they are not known."""

    def by_colors(self, request: HttpRequest, *, parameters: Parameters) -> tuple[Found, Sequence[str]]:
        """What has the colours of the parameter `hex`, and those colours, six digits each."""

    def upload(self, request: HttpRequest) -> tuple[bytes, Parameters]:
        """The photo and the other fields of a form. Raises PhotoRefused."""

    def by_photo(self, request: HttpRequest, *, photo: bytes | str, parameters: Parameters) -> tuple[Found, bytes]:
        """What looks like a photo, given as a file or by its URL, and the file. `crop` of the parameters: a part of it.

        Raises PhotoRefused.
        """

    def why(self, request: HttpRequest, *, product_id: int, other_id: int, parameters: Parameters) -> Why | None:
        """What makes two products alike; None where there is nothing to say yet."""

    def stock_first(self) -> bool:
        """Whether lists show what can be bought before what is sold out."""


def search() -> Search:
    """The one that is set. Raises ImportError where the setting names nothing."""
    return cast(Search, import_string(settings.STOREFRONT_SEARCH))
