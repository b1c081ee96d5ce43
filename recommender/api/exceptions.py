"""What searching raises, as problem details: Django REST framework's handler of exceptions for both apps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponseBase

from catalog.api import problems
from catalog.api.problems import Problem, away, bad_parameter, photo_problem
from catalog.photos.fetch import FetchFailed, FetchRefused, NameUnresolved
from catalog.photos.reading import PhotoError
from catalog.photos.storage_errors import StorageUnavailable
from recommender.encoder.serving import EncoderMismatch
from recommender.index.base import EngineAway
from recommender.index.types import SpaceGone
from recommender.search.answers import NoActiveSpace, QueryCancelsOut
from recommender.search.query_products import UnknownProduct


def handle_exception(error: Exception, context: Mapping[str, Any]) -> HttpResponseBase | None:
    """DRF's EXCEPTION_HANDLER. None: not an answer to the caller but the server's error, which Django reports."""
    return problems.handle_exception(_of_search(error) or error, context)


def _of_search(error: Exception) -> Problem | None:
    """The Problem that an exception of the search is to callers; None for any other exception."""
    match error:
        case UnknownProduct():
            return Problem(404, "Unknown product", str(error))
        case QueryCancelsOut():
            return Problem(422, "The query cancels itself out", str(error))
        case PhotoError():
            return photo_problem(error)
        case FetchRefused(reason="too_large"):
            return Problem(413, "Photo too large", str(error), parameter="image_url")
        case FetchRefused(reason="address") | NameUnresolved():
            # One answer for both, or callers could find out which names our own network knows.
            return bad_parameter(
                "image_url", "its host has no public address; give the URL of a photo on a public host"
            )
        case FetchRefused():
            return bad_parameter("image_url", str(error))
        case FetchFailed():
            return Problem(502, "The photo could not be fetched", str(error), parameter="image_url")
        case NoActiveSpace() | EncoderMismatch() | EngineAway() | StorageUnavailable():
            return away(str(error))
        case SpaceGone():
            return away("the space was replaced in the middle of the search, twice; ask again")
    return None
