"""`products/{id}/images/`: photos by upload or URL, their order, and one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.described import extend_schema
from catalog.api.json_objects import JSON_TYPE
from catalog.api.json_view import as_sent
from catalog.api.problems import bad_parameter, problem_members
from catalog.changes.batches import change_product
from catalog.changes.product_photos import (
    AddedPhoto,
    Failed,
    NewPhoto,
    PhotosOf,
    add_photos,
    edit_photo,
    remove_photo,
    replace_by_upload,
    replace_by_url,
)
from catalog.changes.wishes import Change, Operation, ProductWish
from catalog.identifiers import ProductName
from catalog.texts import printable, text_problem
from catalog.writes import schema
from catalog.writes.answers import written_image
from catalog.writes.exact_json import exact_json
from catalog.writes.members import Members, place, text_of
from catalog.writes.photo_members import MAX_ALT, fetchable, read_photos
from catalog.writes.refused import problem_of
from catalog.writes.views import KEPT_BY_NOBODY, MOST_BYTES, WriteView, answer, if_match, needed, target_of
from catalog.writes.writers import author_of

_FORM = "multipart/form-data"
_FILES = "image"


class Photos(WriteView):
    """`products/{id}/images/`."""

    @extend_schema(
        operation_id="product_images_add",
        summary="Add photos to a product",
        description="Files as the form's `image`, or a list of URLs in JSON, which workers fetch. They are put last. One that the product has"
        " already stays as it is, so that the same call may be sent again. 201 where all are there, 207 where some could not"
        " be taken; the outcomes say which.",
        parameters=[schema.PRODUCT, schema.IF_MATCH],
        request={_FORM: schema.UploadedPhotosSchema, JSON_TYPE: schema.NewPhotosSchema},
        responses={
            201: schema.PhotoOutcomesSchema,
            207: schema.PhotoOutcomesSchema,
            **schema.problems(400, 401, 403, 404, 409, 412, 413, 415, 422, 503),
        },
        tags=["writes"],
    )
    def post(self, request: Request, product: ProductName) -> Response:
        author = author_of(request, [*needed("product", ["change"]), *needed("productimage", ["add"])])
        new = _new_photos(as_sent(request))
        added = add_photos(PhotosOf(target_of(product), author, if_match(request)), new)
        failed = [one for one in added if not isinstance(one, AddedPhoto)]
        if failed and len(added) == 1:
            raise problem_of(failed[0])
        results = [_outcome(one) for one in added]
        return Response({"results": results}, status=207 if failed else 201, headers=KEPT_BY_NOBODY)

    @extend_schema(
        operation_id="product_images_set",
        summary="All photos of a product, in their order",
        description="Those that are named by their id stay, those by URL are added, and those that are not named are removed.",
        parameters=[schema.PRODUCT, schema.IF_MATCH],
        request=schema.AllPhotosSchema,
        responses={200: schema.WrittenProductSchema, **schema.problems(400, 401, 403, 404, 409, 412, 413, 415, 503)},
        tags=["writes"],
    )
    def put(self, request: Request, product: ProductName) -> Response:
        permissions = [*needed("product", ["change"]), *needed("productimage", ["add", "change", "delete"])]
        author = author_of(request, permissions)
        members = Members(exact_json(as_sent(request), most=MOST_BYTES))
        members.refuse_unknown(("images",))
        if "images" not in members:
            members.wrong("is missing; give the list of all photos", "images")
        photos = read_photos(members, "images")
        members.check()
        change = Change(Operation.PATCH, target_of(product), ProductWish(photos=photos), if_match(request))
        return answer(request, change_product(change, author=author))


class OnePhoto(WriteView):
    """`products/{id}/images/{image}/`."""

    @extend_schema(
        operation_id="product_image_update",
        summary="A photo's alternative text or position",
        parameters=[schema.PRODUCT, schema.IMAGE, schema.IF_MATCH],
        request=schema.EditedPhotoSchema,
        responses={200: schema.WrittenImageSchema, **schema.problems(400, 401, 403, 404, 412, 413, 415, 503)},
        tags=["writes"],
    )
    def patch(self, request: Request, product: ProductName, image: int) -> Response:
        of = _photos_of(request, product, "change")
        members = Members(exact_json(as_sent(request), most=MOST_BYTES))
        members.refuse_unknown(("alt", "position"))
        alt = members.read("alt", text_of(MAX_ALT), None)
        position = members.read("position", place, None)
        members.check()
        return _told(written_image(edit_photo(of, image, alt=alt, position=position)))

    @extend_schema(
        operation_id="product_image_replace",
        summary="Another file for a photo",
        description="A file as the form's `image`, or a `url` in JSON: then the photo of before is shown until a worker has fetched it.",
        parameters=[schema.PRODUCT, schema.IMAGE, schema.IF_MATCH],
        request={_FORM: schema.UploadedPhotoSchema, JSON_TYPE: schema.PhotoAddressSchema},
        responses={
            200: schema.WrittenImageSchema,
            **schema.problems(400, 401, 403, 404, 409, 412, 413, 415, 422, 503),
        },
        tags=["writes"],
    )
    def put(self, request: Request, product: ProductName, image: int) -> Response:
        of = _photos_of(request, product, "change")
        sent = as_sent(request)
        if sent.content_type == _FORM:
            uploads, _ = _uploads(sent)
            if len(uploads) != 1:
                raise bad_parameter(_FILES, "one photo is needed")
            return _told(written_image(replace_by_upload(of, image, _reader(uploads[0]))))
        members = Members(exact_json(sent, most=MOST_BYTES))
        members.refuse_unknown(("url",))
        if "url" not in members:
            members.wrong("is missing; give the URL of the photo", "url")
        url = members.read("url", fetchable, "")
        members.check()
        return _told(written_image(replace_by_url(of, image, url)))

    @extend_schema(
        operation_id="product_image_delete",
        summary="Remove a photo",
        parameters=[schema.PRODUCT, schema.IMAGE, schema.IF_MATCH],
        request=None,
        responses={204: None, **schema.problems(401, 403, 404, 412, 503)},
        tags=["writes"],
    )
    def delete(self, request: Request, product: ProductName, image: int) -> Response:
        remove_photo(_photos_of(request, product, "delete"), image)
        return Response(status=204, headers=KEPT_BY_NOBODY)


def _photos_of(request: Request, product: ProductName, action: str) -> PhotosOf:
    author = author_of(request, [*needed("product", ["change"]), *needed("productimage", [action])])
    return PhotosOf(target_of(product), author, if_match(request))


def _told(data: Mapping[str, Any]) -> Response:
    return Response(data, headers=KEPT_BY_NOBODY)


def _outcome(one: AddedPhoto | Failed) -> dict[str, Any]:
    if isinstance(one, AddedPhoto):
        return {"status": 201 if one.is_new else 200, "image": written_image(one.image)}
    problem = problem_of(one)
    return {"status": problem.status, "problem": problem_members(problem)}


def _new_photos(request: HttpRequest) -> Sequence[NewPhoto]:
    if request.content_type == _FORM:
        uploads, texts = _uploads(request)
        return [NewPhoto(read=_reader(one), alt=alt) for one, alt in zip(uploads, texts, strict=True)]
    members = Members(exact_json(request, most=MOST_BYTES))
    members.refuse_unknown(("images",))
    if not members.given.get("images", ()):
        members.wrong("is missing; give a list of URLs", "images")
    photos = read_photos(members, "images", new_alone=True)
    members.check()
    return [NewPhoto(url=photo.url, alt=photo.alt or "") for photo in photos or ()]


def _uploads(request: HttpRequest) -> tuple[list[UploadedFile[bytes]], list[str]]:
    """The files of a form, and their alternative texts. Raises Problem where there is no file, or there are other fields."""
    # Django reads the forms of POST alone by itself.
    post = request.method == "POST"
    fields, files = (request.POST, request.FILES) if post else request.parse_file_upload(request.META, request)
    for name in (*files, *fields):
        if name not in (_FILES, "alt", "csrfmiddlewaretoken"):
            detail = f"there is no such field; photos are files of the field {_FILES}, their alternative texts alt"
            raise bad_parameter(printable(name)[:100], detail)
    uploads = files.getlist(_FILES)
    if not uploads:
        raise bad_parameter(_FILES, "a photo is needed, as a file of the form")
    return uploads, _alternative_texts(fields.getlist("alt"), len(uploads))


def _alternative_texts(texts: list[str], count: int) -> list[str]:
    """Those of the photos, in their order; none, or one for each."""
    for text in texts:
        if problem := text_problem(text):
            raise bad_parameter("alt", problem)
        if len(text) > MAX_ALT:
            raise bad_parameter("alt", f"{len(text)} characters, at most {MAX_ALT}")
    if texts and len(texts) != count:
        raise bad_parameter("alt", f"given {len(texts)} times for {count} photos; give it once for each")
    return texts or [""] * count


def _reader(upload: UploadedFile[bytes]) -> Callable[[], bytes]:
    def read() -> bytes:
        upload.seek(0)
        data: bytes = upload.read(settings.MAX_PHOTO_BYTES + 1)
        return data

    return read
