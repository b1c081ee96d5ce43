"""Derivatives and thumbnails of photos over HTTP: named by the photo's content, so that they may be kept for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
    HttpResponsePermanentRedirect,
)
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog.caching import is_named, public
from catalog.derivatives import derivative_extension
from catalog.photos.derivatives import derivative_file
from catalog.photos.reading import EXTENSIONS, DecodersBusy
from catalog.photos.storage_errors import StorageUnavailable
from catalog.photos.thumbnails import small_picture_bytes, thumbnail_bytes
from catalog.retry import AWAY_SECONDS, BUSY_SECONDS

_CONTENT_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
_FOR_EVER = f"{public(31_536_000)}, immutable"
_A_DAY = public(86_400)  # what browsers remember of an address that moved, they cannot be told to forget


@require_safe
def photo(request: HttpRequest, digest: str, extension: str) -> HttpResponseBase:
    """The derivative of a photo. The route only matches extensions that derivatives have."""
    return _picture(request, digest, lambda: derivative_file(digest, extension), _CONTENT_TYPES[extension])


@require_safe
def thumbnail(request: HttpRequest, digest: str) -> HttpResponseBase:
    return _picture(request, digest, lambda: thumbnail_bytes(digest), "image/jpeg")


@require_safe
def small_picture(request: HttpRequest, digest: str, side: str) -> HttpResponseBase:
    """What pages show of a photo. The route only matches sides that there are."""
    return _picture(request, digest, lambda: small_picture_bytes(digest, int(side)), "image/webp")


@require_safe
def stored_photo(request: HttpRequest, folder: str, digest: str, extension: str) -> HttpResponseBase:
    """The address that a photo had when the stored file itself was served: leads to its derivative."""
    if folder != digest[:2] or extension not in EXTENSIONS.values():
        raise Http404("no such photo")
    names = {"digest": digest, "extension": derivative_extension(extension)}
    return HttpResponsePermanentRedirect(reverse("photo", kwargs=names), headers={"Cache-Control": _A_DAY})


def _picture(request: HttpRequest, digest: str, make: Callable[[], Any], content_type: str) -> HttpResponseBase:
    """The picture that `make` gives as bytes or as an open file, for clients to keep for ever and for pages of any origin to read
    its pixels; 304 to who has it. Raises Http404 where there is none.
    """
    tag = f'"{digest}"'
    given = request.headers.get("If-None-Match", "")
    has_it = is_named(tag, given)
    if has_it and digest in given:  # else it is `*`, which asks whether there is a picture
        return _kept_for_ever(HttpResponseNotModified(), tag)
    try:
        content = make()
    except DecodersBusy as error:
        return _retry_later(error, BUSY_SECONDS)
    except StorageUnavailable as error:
        return _retry_later(error, AWAY_SECONDS)
    if content is None:
        raise Http404("no such photo, or none that can be shown")
    if has_it:
        if not isinstance(content, bytes):
            content.close()
        return _kept_for_ever(HttpResponseNotModified(), tag)
    of_bytes = isinstance(content, bytes)
    response = HttpResponse(content, content_type) if of_bytes else FileResponse(content, content_type=content_type)
    return _kept_for_ever(response, tag)


def _kept_for_ever(response: HttpResponseBase, tag: str) -> HttpResponseBase:
    response["ETag"] = tag
    response["Cache-Control"] = _FOR_EVER
    response["Access-Control-Allow-Origin"] = "*"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _retry_later(error: Exception, seconds: int) -> HttpResponse:
    return HttpResponse(f"{error}\n", status=503, content_type="text/plain", headers={"Retry-After": str(seconds)})
