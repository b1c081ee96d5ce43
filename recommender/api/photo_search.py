"""`search/image/`: a photo by upload or URL, whole or cropped."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.access.drf import charge_up_to
from catalog.api.described import extend_schema
from catalog.api.json_view import as_sent
from catalog.api.problems import Problem
from catalog.caching import NOT_STORED
from catalog.parameters import InvalidParameter, Parameters
from catalog.photos.fetch import fetch_photo
from recommender.api import body_schema, schema
from recommender.api.answers import answer_bytes, fields_of, parameters_of
from recommender.api.base_view import SearchView
from recommender.api.endpoints import tokens_of_search
from recommender.api.json_body import json_body
from recommender.search.filters import from_json, parse
from recommender.search.query_photos import Work, parse_crop, similar_to_photo

ENVELOPE_BYTES = 64 * 1024  # what a form adds to the photo


class AnswerBefore(Response):
    """An answer in JSON, and work that need not be done before it is sent: a server closes a response once it has sent it."""

    def __init__(self, work: Sequence[Work], data: Any) -> None:
        super().__init__(data)
        self._work = work

    def close(self) -> None:
        try:
            for work in self._work:
                work()
        finally:
            super().close()


class PhotoSearch(SearchView):
    cache_control = NOT_STORED  # what it answers tells of a shopper's photo

    @extend_schema(
        operation_id="search_image",
        tags=["search"],
        summary="What looks like this photo",
        description="A photo as the form field `image`, or `image_url` in JSON; `crop` is x,y,width,height in fractions of the "
        "upright photo. Filters may stand in the query string, the form or the JSON, each of them in one place; those of attributes in a form's query string.",
        parameters=[*schema.SEARCH, schema.CROP],
        request={"multipart/form-data": body_schema.PhotoUpload, "application/json": body_schema.PhotoUrl},
        responses={200: schema.AnswerSchema, **schema.problems(400, 411, 413, 415, 422, 502, 503)},
    )
    def post(self, request: Request) -> Response:
        began = time.perf_counter()
        data, parameters = _read(as_sent(request))
        fields = fields_of(parameters)
        options = parse(parameters, also=["crop", "fields"])
        charge_up_to(request, tokens_of_search(exact=options.exact))
        crops = parameters.get("crop", [])
        if len(crops) > 1:
            raise InvalidParameter("crop", "given more than once")
        if isinstance(data, str):
            data = fetch_photo(data)
        crop = parse_crop(crops[0] if crops else None)
        later: list[Work] = []
        answer = similar_to_photo(data=data, crop=crop, options=options, later=later.append)
        return AnswerBefore(later, answer_bytes(answer, began, fields)[0])


def _read(request: HttpRequest) -> tuple[bytes | str, Parameters]:
    """The photo's bytes or URL, and the parameters wherever they stand."""
    given = dict(parameters_of(request))
    if request.content_type == "multipart/form-data":
        photo, fields = read_upload(request)
        return photo, _merged(given, fields)
    if request.content_type != "application/json":
        raise Problem(415, detail="send the photo as multipart/form-data, or JSON with image_url")
    body = json_body(request)
    url = body.pop("image_url", None)
    if not isinstance(url, str) or not url:
        raise InvalidParameter(
            "image_url", "the http(s) URL of a photo is needed, or the photo itself as a form's `image`"
        )
    fields = from_json(body)
    if isinstance(body.get("crop"), list):
        fields["crop"] = [",".join(fields["crop"])]
    return url, _merged(given, fields)


def _merged(one: Parameters, other: Parameters) -> Parameters:
    return {name: [*one.get(name, []), *other.get(name, [])] for name in {**one, **other}}


def read_upload(request: HttpRequest) -> tuple[bytes, Parameters]:
    """The photo of a form, its field `image`, and the other fields. Raises Problem 411 and 413, InvalidParameter."""
    limit = settings.MAX_PHOTO_BYTES
    length = request.META.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdigit()):
        raise Problem(411, detail="send the length of the photo (Content-Length)")
    if len(length) > 18 or int(length) > limit + ENVELOPE_BYTES:
        raise photo_too_large()
    handler = BoundedUpload(request)
    request.upload_handlers = [handler]
    files = request.FILES.getlist("image")
    if handler.too_large:
        raise photo_too_large()
    if len(files) != 1:
        raise InvalidParameter("image", "one photo is needed, as a file of the form")
    return files[0].read(), dict(request.POST.lists())


def photo_too_large() -> Problem:
    """The answer to more bytes than a photo may have."""
    megabytes = settings.MAX_PHOTO_BYTES / 1024**2
    return Problem(413, "Photo too large", f"a photo may have {megabytes:g} MB; send a smaller one", parameter="image")


class BoundedUpload(FileUploadHandler):
    """Keeps a file in memory as long as it is no larger than a photo may be; of a larger one nothing is kept."""

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.too_large = False
        self._data = io.BytesIO()

    def new_file(self, *args: object, **kwargs: object) -> None:
        super().new_file(*args, **kwargs)  # type: ignore[arg-type]
        self._data = io.BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if start + len(raw_data) > settings.MAX_PHOTO_BYTES:
            self.too_large = True
            self._data = io.BytesIO()
            raise SkipFile
        self._data.write(raw_data)
        return None

    def file_complete(self, file_size: int) -> UploadedFile[bytes]:
        self._data.seek(0)
        return InMemoryUploadedFile(
            self._data, self.field_name, self.file_name, self.content_type, file_size, self.charset
        )
