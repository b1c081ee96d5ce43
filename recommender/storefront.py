"""The search as the storefront's pages ask it: catalog.storefront.port says what each method is for.

A page costs its shopper's address the tokens of the API's endpoint that answers the same (recommender.api.endpoints): who is
counted there cannot go around it by the pages.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from django.http import HttpRequest

from catalog.access.drf import charge_page
from catalog.api.problems import Problem
from catalog.parameters import InvalidParameter, Parameters, read_one
from catalog.photos.errors import PhotoError
from catalog.photos.fetch import FetchFailed, FetchRefused, NameUnresolved, fetch_photo
from catalog.photos.reading import DecodersBusy
from catalog.photos.storage_errors import StorageUnavailable
from catalog.retry import BUSY_SECONDS
from catalog.storefront.port import Alike, Found, PhotoFault, PhotoRefused, SearchAway, SearchBusy, Why
from recommender.api.photo_search import read_upload
from recommender.encoder.serving import EncoderMismatch
from recommender.index.base import EngineAway
from recommender.index.types import SpaceGone
from recommender.merchandising.rules.in_force import rules_in_force
from recommender.models import Rule
from recommender.search import why as explaining
from recommender.search.answers import Answer, EncoderChanged, NoActiveSpace
from recommender.search.colours import hex_of, parse_colours
from recommender.search.filters import parse, parse_color_weight
from recommender.search.product_colours import product_colours
from recommender.search.query_photos import parse_crop, similar_to_photo
from recommender.search.query_products import UnknownProduct
from recommender.search.similarity import similar_to_colours, similar_to_product

_SIMILAR, _COLORS = "/api/v1/products/1/similar/", "/api/v1/search/color/"
_PHOTO, _WHY = "/api/v1/search/image/", "/api/v1/products/1/similar/2/why/"
_AWAY = (NoActiveSpace, EncoderMismatch, EngineAway, StorageUnavailable, SpaceGone, EncoderChanged)
_STOCK = (Rule.Kind.STOCK_FIRST, Rule.Kind.STOCK_ONLY)
_FAULTS: dict[str, PhotoFault] = {
    "not_an_image": "not_a_photo",
    "unsupported": "not_a_photo",
    "too_large": "too_large",
}


logger = logging.getLogger(__name__)


class StorefrontSearch:
    """A catalog.storefront.port.Search."""

    def similar(self, request: HttpRequest, *, product_id: int, image_id: int | None, parameters: Parameters) -> Found:
        with _asked(request, _SIMILAR):
            ask = partial(similar_to_product, product_id=product_id, image=image_id)
            try:
                return _found(ask(options=parse(parameters)))
            except InvalidParameter as error:
                if error.parameter != "color_weight":
                    raise
                # An address that was kept from before the shop lost its colours.
                rest = {name: values for name, values in parameters.items() if name != "color_weight"}
                return _found(ask(options=parse(rest)))

    def colors_of(self, request: HttpRequest, *, product_id: int) -> Sequence[str]:
        with _asked(request, None):
            return [hex_of(rgb) for rgb, _ in product_colours(product_id=product_id).colours]

    def by_colors(self, request: HttpRequest, *, parameters: Parameters) -> tuple[Found, Sequence[str]]:
        with _asked(request, _COLORS):
            colours = parse_colours(parameters)
            options = parse(parameters, also=["hex"], without=["color_weight"])
            return _found(similar_to_colours(colours=colours, options=options)), [hex_of(rgb) for rgb, _ in colours]

    def upload(self, request: HttpRequest) -> tuple[bytes, Parameters]:
        try:
            return read_upload(request)
        except Problem as problem:
            raise PhotoRefused("too_large" if problem.status == 413 else "no_photo") from problem
        except InvalidParameter as error:
            raise PhotoRefused("no_photo") from error

    def by_photo(self, request: HttpRequest, *, photo: bytes | str, parameters: Parameters) -> tuple[Found, bytes]:
        with _asked(request, _PHOTO):
            crop = parse_crop(read_one(parameters, "crop"))
            options = parse(parameters, also=["crop"])
            data = _fetched(photo) if isinstance(photo, str) else photo
            return _found(similar_to_photo(data=data, crop=crop, options=options)), data

    def why(self, request: HttpRequest, *, product_id: int, other_id: int, parameters: Parameters) -> Why | None:
        with _asked(request, _WHY):
            weight = parse_color_weight(parameters)
            explain = partial(explaining.why, product_id=product_id, other_id=other_id)
            try:
                answer = explain(color_weight=weight)
            except InvalidParameter:
                answer = explain()  # the shop lost its colours meanwhile
            except (explaining.NotEmbedded, UnknownProduct):
                return None
            sides = answer["query"], answer["result"]
            return Why(
                pictures=(sides[0]["overlay"], sides[1]["overlay"]),
                image_ids=(sides[0]["image"]["id"], sides[1]["image"]["id"]),
                shape=answer["scores"]["shape"],
                color=answer["scores"]["color"],
            )

    def stock_first(self) -> bool:
        """Rules for everywhere alone: one for a brand or a category says nothing of the whole catalogue."""
        return any(rule.kind in _STOCK and rule.scope == Rule.Scope.EVERYWHERE for rule in rules_in_force().rules)


SEARCH = StorefrontSearch()


def _found(answer: Answer) -> Found:
    weight = answer.query.get("color_weight")
    return Found(
        status=answer.status,
        results=[Alike(one.product_id, one.image_id) for one in answer.found],
        color_weight=weight if isinstance(weight, float) else None,
        filled=answer.fallback is not None,
    )


def _fetched(url: str) -> bytes:
    try:
        return fetch_photo(url)
    except FetchRefused as error:
        raise PhotoRefused("too_large" if error.reason == "too_large" else "bad_address") from error
    except NameUnresolved as error:  # told apart from a refusal, it would say which names our own network knows
        raise PhotoRefused("bad_address") from error
    except FetchFailed as error:
        raise PhotoRefused("not_fetched") from error


@contextmanager
def _asked(request: HttpRequest, path: str | None) -> Iterator[None]:
    """Charge what the API's endpoint at `path` costs, and raise what the port says instead of the search's own errors."""
    try:
        if path is not None:
            charge_page(request, path)
        yield
    except Problem as problem:
        raise SearchBusy(int(problem.headers.get("Retry-After", BUSY_SECONDS))) from problem
    except DecodersBusy as error:
        raise SearchBusy(BUSY_SECONDS) from error
    except PhotoError as error:
        raise PhotoRefused(_FAULTS.get(error.reason, "unreadable")) from error
    except _AWAY as error:
        logger.warning("the storefront has no answer: %s", error)
        raise SearchAway from error
