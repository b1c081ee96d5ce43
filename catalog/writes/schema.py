"""Shapes of what is written, and of its answers, for the OpenAPI schema. Bodies are read by catalog.writes."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from catalog.api.schema import PRODUCT, CategorySchema, MemberErrorSchema, ProductFields, problem
from catalog.api.shapes import ID, identifier
from catalog.changes.product_photos import MOST_PHOTOS
from catalog.changes.wishes import Operation
from catalog.writes.members import LARGEST_POSITION
from catalog.writes.photo_members import MAX_ALT

__all__ = ["PRODUCT"]

PROBLEMS = {
    400: "Members that cannot be taken, the first of them in `parameter`, all in `errors`.",
    401: "Writing needs a secret key, or a session of the admin.",
    403: "This key, or this person, may not write this; or the session's CSRF token is missing.",
    404: "No such product or photo.",
    409: "Another product has the SKU, or the photo is there already.",
    412: "The product was written meanwhile: it has another version than If-Match names.",
    413: "The body is too large, or has too many items.",
    415: "Neither JSON nor a form, as is asked for; or not a photo.",
    422: "A photo that cannot be decoded.",
    503: "Busy, or not available; send it again after Retry-After.",
}
IMAGE = OpenApiParameter("image", dict(ID), OpenApiParameter.PATH, description="The photo's id.")
IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The `ETag` of the product as it is known: 412 where somebody has written it since.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    enum=["*"],
    description="`*`: make the product, and answer 412 where it is there.",
)
_PRICE = 'An amount like "19.99", or a number.'


def problems(*codes: int) -> dict[int, OpenApiResponse]:
    """Those refusals of a call."""
    return {code: problem(PROBLEMS[code]) for code in codes}


class PhotoToKeepOrAdd(serializers.Serializer[None]):
    id = identifier(required=False, help_text="A photo of the product, which stays.")
    url = serializers.URLField(
        required=False, max_length=2000, help_text="Without id: where a new one is fetched from."
    )
    alt = serializers.CharField(required=False, max_length=MAX_ALT, allow_blank=True)

    class Meta:
        ref_name = "PhotoToKeepOrAdd"


class PhotoAddressSchema(serializers.Serializer[None]):
    url = serializers.URLField(max_length=2000, help_text="http(s), on a port of FETCH_PORTS.")

    class Meta:
        ref_name = "PhotoAddress"


class NewPhotoSchema(PhotoAddressSchema):
    alt = serializers.CharField(required=False, max_length=MAX_ALT, allow_blank=True)

    class Meta:
        ref_name = "NewPhoto"


class NewPhotosSchema(serializers.Serializer[None]):
    images = serializers.ListField(child=NewPhotoSchema(), min_length=1, max_length=MOST_PHOTOS)

    class Meta:
        ref_name = "NewPhotos"


class AllPhotosSchema(serializers.Serializer[None]):
    images = serializers.ListField(child=PhotoToKeepOrAdd(), max_length=MOST_PHOTOS)

    class Meta:
        ref_name = "AllPhotos"


class EditedPhotoSchema(serializers.Serializer[None]):
    alt = serializers.CharField(required=False, max_length=MAX_ALT, allow_blank=True)
    position = serializers.IntegerField(required=False, min_value=0, max_value=LARGEST_POSITION)

    class Meta:
        ref_name = "EditedPhoto"


class UploadedPhotoSchema(serializers.Serializer[None]):
    image = serializers.FileField()

    class Meta:
        ref_name = "UploadedPhoto"


class UploadedPhotosSchema(serializers.Serializer[None]):
    image = serializers.ListField(child=serializers.FileField(), min_length=1)
    alt = serializers.ListField(
        child=serializers.CharField(max_length=MAX_ALT, allow_blank=True),
        required=False,
        help_text="Alternative texts, one for each photo.",
    )

    class Meta:
        ref_name = "UploadedPhotos"


class PatchedProductSchema(serializers.Serializer[None]):
    """Every member that can be written; none is needed."""

    id = identifier(required=False, help_text="Only to be compared with the product's.")
    sku = serializers.CharField(required=False, max_length=200)
    group = serializers.CharField(required=False, max_length=200, allow_blank=True, allow_null=True)
    title = serializers.CharField(required=False, max_length=500)
    description = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    category = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="A slug, or a path like `Clothing > Dress`, which is made; also an object with `slug`, as in answers.",
    )
    further_categories = serializers.ListField(
        child=serializers.CharField(), required=False, allow_null=True, max_length=19, help_text="Found there, too."
    )
    brand = serializers.CharField(required=False, max_length=200, allow_blank=True, allow_null=True)
    price = serializers.CharField(required=False, allow_null=True, help_text=f"What is paid now. {_PRICE}")
    list_price = serializers.CharField(
        required=False, allow_null=True, help_text="The price without the sale that is on; null ends it."
    )
    currency = serializers.CharField(required=False, allow_blank=True, allow_null=True, help_text="ISO 4217, like EUR.")
    sale_price = serializers.CharField(
        required=False, allow_null=True, help_text="Of a sale now or later; `price` is then the price without it."
    )
    sale_from = serializers.DateTimeField(required=False, allow_null=True)
    sale_until = serializers.DateTimeField(required=False, allow_null=True)
    in_stock = serializers.BooleanField(required=False)
    url = serializers.URLField(required=False, max_length=2000, allow_blank=True, allow_null=True)
    attributes = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        required=False,
        allow_null=True,
        help_text="Texts, numbers, or lists of them; kept as texts.",
    )
    published = serializers.BooleanField(required=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, help_text="Hidden from this moment on.")
    images = serializers.ListField(
        child=PhotoToKeepOrAdd(), required=False, max_length=MOST_PHOTOS, help_text="All photos, in their order."
    )

    class Meta:
        ref_name = "ProductChanges"


class ReplacedProductSchema(PatchedProductSchema):
    title = serializers.CharField(max_length=500)

    class Meta:
        ref_name = "WholeProduct"


class NewProductSchema(ReplacedProductSchema):
    id = None  # type: ignore[assignment]  # so Django REST framework leaves out a field of the class above
    sku = serializers.CharField(max_length=200)

    class Meta:
        ref_name = "NewProduct"


class WrittenImageSchema(serializers.Serializer[None]):
    id = identifier()
    url = serializers.CharField(allow_null=True, help_text="null until a worker has fetched it.")
    thumbnail = serializers.CharField(allow_null=True)
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    position = serializers.IntegerField()
    alt = serializers.CharField()
    source_url = serializers.CharField(help_text="Where it is fetched from; empty of an upload.")

    class Meta:
        ref_name = "WrittenImage"


class WrittenProductSchema(ProductFields):
    further_categories = CategorySchema(many=True)
    published = serializers.BooleanField()
    expires_at = serializers.DateTimeField(allow_null=True)
    sale_price = serializers.CharField(allow_null=True)
    sale_from = serializers.DateTimeField(allow_null=True)
    sale_until = serializers.DateTimeField(allow_null=True)
    images = WrittenImageSchema(many=True)

    class Meta:
        ref_name = "WrittenProduct"


class OutcomeProblemSchema(serializers.Serializer[None]):
    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    parameter = serializers.CharField(required=False)
    errors = MemberErrorSchema(many=True, required=False)

    class Meta:
        ref_name = "OutcomeProblem"


class PhotoOutcomeSchema(serializers.Serializer[None]):
    status = serializers.IntegerField(
        help_text="201: added; 200: it was there; else what a call for it alone would answer."
    )
    image = WrittenImageSchema(required=False)
    problem = OutcomeProblemSchema(required=False)

    class Meta:
        ref_name = "PhotoOutcome"


class PhotoOutcomesSchema(serializers.Serializer[None]):
    results = PhotoOutcomeSchema(many=True)

    class Meta:
        ref_name = "PhotoOutcomes"


class BatchItemSchema(PatchedProductSchema):
    op = serializers.ChoiceField(choices=[operation.value for operation in Operation])
    id = identifier(required=False, help_text="Which product; else `sku` says it.")
    if_match = serializers.CharField(required=False, help_text="As the header If-Match.")

    class Meta:
        ref_name = "BatchItem"


class BatchSchema(serializers.Serializer[None]):
    mode = serializers.ChoiceField(choices=["each", "all"], required=False)
    items = serializers.ListField(child=BatchItemSchema(), min_length=1, max_length=500)

    class Meta:
        ref_name = "Batch"


class BatchOutcomeSchema(serializers.Serializer[None]):
    status = serializers.IntegerField(
        help_text="What a call for the item alone would answer; 424: nothing was done, for another item was refused."
    )
    id = identifier(required=False)
    sku = serializers.CharField(required=False)
    etag = serializers.CharField(required=False)
    problem = OutcomeProblemSchema(required=False)

    class Meta:
        ref_name = "BatchOutcome"


class BatchOutcomesSchema(serializers.Serializer[None]):
    mode = serializers.ChoiceField(choices=["each", "all"])
    results = BatchOutcomeSchema(many=True)

    class Meta:
        ref_name = "BatchOutcomes"
