"""Which kinds of requests there are: each has threads of its own (a lane) and a largest body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from catalog.api.problems import Problem
from catalog.writes.batch_views import MOST_BATCH_BYTES
from config.server.lanes import Lane
from config.server.types import Asked
from recommender.api.endpoints import PHOTOS_OF_A_PRODUCT
from recommender.api.photo_search import ENVELOPE_BYTES, photo_too_large

_PHOTO_SEARCH = "/api/v1/search/image/"
_PHOTO_PAGE, _PHOTO_URL_PAGE = "/search/", "/search/url/"
_BATCH = "/api/v1/similar/batch/"
_PRODUCTS = "/api/v1/products/"
_BATCH_OF_WRITES = f"{_PRODUCTS}batch/"
_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_URL_THREADS = 3
_WHY_THREADS = 2
_BATCH_THREADS = 2  # a batch is up to 100 searches, each with all its filters
_DUPLICATES_THREADS = 2  # one request may decode hundreds of photos
_MEDIA_THREADS = 3
_ADMIN_THREADS = 2
_PHOTO_WRITE_THREADS = 2  # each decodes and stores up to MAX_BODY_BYTES of photos
_BATCH_WRITE_THREADS = 2  # a batch is up to 500 products
_WRITE_THREADS = 2


@dataclass(frozen=True)
class RequestGroup:
    """Requests that share a lane. `takes`: whether a request is one; `most`: bytes of its body; `too_large`: the answer to more.

    `counted`: whether it is refused when too many requests wait; all groups are but the health probe.
    """

    takes: Callable[[Asked], bool]
    lane: Lane
    most: int
    too_large: Callable[[int], Problem]
    counted: bool = True


def request_groups() -> list[RequestGroup]:
    """All groups, in order: a request belongs to the first that takes it, and the last takes all."""
    text = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or settings.MAX_BODY_BYTES
    photo = settings.MAX_PHOTO_BYTES + ENVELOPE_BYTES

    def of(
        name: str,
        takes: Callable[[Asked], bool],
        threads: int,
        most: int = text,
        too_large: Callable[[int], Problem] = _too_large,
        counted: bool = True,
    ) -> RequestGroup:
        return RequestGroup(takes, Lane(name, threads=threads), most, too_large, counted)

    return [
        of("probe", lambda asked: asked.path == "/healthz", 1, counted=False),
        of("state", lambda asked: asked.path in ("/readyz", "/metrics"), 1),
        of("photo", _is_upload, settings.QUERY_PHOTOS_AT_A_TIME, photo, lambda most: photo_too_large()),
        of("photo by URL", lambda asked: asked.path in (_PHOTO_SEARCH, _PHOTO_URL_PAGE), _URL_THREADS),
        of("batch", lambda asked: asked.path == _BATCH, _BATCH_THREADS),
        of("why", lambda asked: asked.path.endswith("/why/"), _WHY_THREADS),
        of("duplicates", lambda asked: asked.path.endswith("/duplicates/"), _DUPLICATES_THREADS),
        of("media", lambda asked: asked.path.startswith("/media/"), _MEDIA_THREADS),
        of("written photos", _writes_photos, _PHOTO_WRITE_THREADS, settings.MAX_BODY_BYTES),
        of("written batches", lambda asked: asked.path == _BATCH_OF_WRITES, _BATCH_WRITE_THREADS, MOST_BATCH_BYTES),
        of("writes", lambda asked: asked.method in _WRITING and asked.path.startswith(_PRODUCTS), _WRITE_THREADS),
        of("admin", lambda asked: asked.path.startswith("/admin/"), _ADMIN_THREADS, settings.MAX_BODY_BYTES),
        of("rest", lambda asked: True, settings.WEB_THREADS),
    ]


def _writes_photos(asked: Asked) -> bool:
    return asked.method in _WRITING and PHOTOS_OF_A_PRODUCT.fullmatch(asked.path) is not None


def _is_upload(asked: Asked) -> bool:
    content_type = asked.headers.get("content-type", "")
    return asked.path in (_PHOTO_SEARCH, _PHOTO_PAGE) and content_type.strip().lower().startswith("multipart/")


def _too_large(most: int) -> Problem:
    return Problem(413, detail=f"the body may have {most / 1024**2:.3g} MB; send less at a time")
