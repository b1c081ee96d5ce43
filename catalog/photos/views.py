"""Photos and thumbnails over HTTP: named by their content, so that they never change and may be kept for ever."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.views.decorators.http import require_safe

from catalog.photos.reading import DecodersBusy
from catalog.photos.storage_errors import StorageUnavailable, storage_errors
from catalog.photos.thumbnails import thumbnail_bytes
from catalog.retry import AWAY_SECONDS, BUSY_SECONDS
from catalog.storage_names import photo_path

CONTENT_TYPES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "tif": "image/tiff",
    "avif": "image/avif",
    "heif": "image/heif",
}
_FOR_EVER = "public, max-age=31536000, immutable"

View = Callable[..., HttpResponseBase]


def _content_addressed(view: View) -> View:
    """Let clients keep the answer for ever, and answer 304 to those that have it."""

    @wraps(view)
    def answer(request: HttpRequest, digest: str, **names: str) -> HttpResponseBase:
        tag = f'"{digest}"'
        if tag in request.headers.get("If-None-Match", ""):
            response: HttpResponseBase = HttpResponseNotModified()
        else:
            response = view(request, digest, **names)
        if response.status_code in (200, 304):
            response["ETag"] = tag
            response["Cache-Control"] = _FOR_EVER
        else:
            response["Cache-Control"] = "no-store"
        response["X-Content-Type-Options"] = "nosniff"
        return response

    return require_safe(answer)


@_content_addressed
def photo(request: HttpRequest, digest: str, folder: str, extension: str) -> HttpResponseBase:
    """A stored photo, byte for byte as it was uploaded. The route only matches names that `photo_path` makes."""
    if folder != digest[:2] or extension not in CONTENT_TYPES:
        raise Http404("no such photo")
    try:
        with storage_errors("the photo could not be read"):
            file = default_storage.open(photo_path(digest, extension))
    except FileNotFoundError as error:
        raise Http404("no such photo") from error
    except StorageUnavailable as error:
        return _retry_later(error, AWAY_SECONDS)
    return FileResponse(file, content_type=CONTENT_TYPES[extension])


@_content_addressed
def thumbnail(request: HttpRequest, digest: str) -> HttpResponseBase:
    try:
        data = thumbnail_bytes(digest)
    except DecodersBusy as error:
        return _retry_later(error, BUSY_SECONDS)
    except StorageUnavailable as error:
        return _retry_later(error, AWAY_SECONDS)
    if data is None:
        raise Http404("no such photo, or none that can be shown")
    return HttpResponse(data, content_type="image/jpeg")


def _retry_later(error: Exception, seconds: int) -> HttpResponse:
    return HttpResponse(f"{error}\n", status=503, content_type="text/plain", headers={"Retry-After": str(seconds)})
