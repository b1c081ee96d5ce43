"""`products/` and `products/{id}/`: read by everyone, written by who may."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api import products as reading
from catalog.api.described import extend_schema
from catalog.api.json_view import as_sent
from catalog.changes.batches import change_product
from catalog.changes.wishes import Change, Operation
from catalog.identifiers import ProductName
from catalog.writes import schema
from catalog.writes.change_members import read_change
from catalog.writes.exact_json import exact_json
from catalog.writes.views import (
    KEPT_BY_NOBODY,
    MOST_BYTES,
    WriteView,
    answer,
    if_match,
    if_none,
    needed,
    target_of,
)
from catalog.writes.writers import author_of

_PHOTOS = needed("productimage", ["add", "change", "delete"])


class Products(WriteView):
    """`products/`: the published ones, and a new one."""

    get = reading.PublishedProducts.get

    @extend_schema(
        operation_id="products_create",
        summary="A new product",
        description="409 where its `sku` is there already: PUT products/sku:SKU/ makes or replaces it.",
        request=schema.NewProductSchema,
        responses={201: schema.WrittenProductSchema, **schema.problems(400, 401, 403, 409, 413, 415, 503)},
        tags=["writes"],
    )
    def post(self, request: Request) -> Response:
        return _written(request, Operation.CREATE, None, ["add"])


class OneProduct(WriteView):
    """`products/{id}/`."""

    get = reading.PublishedProduct.get

    @extend_schema(
        operation_id="products_replace",
        summary="Replace a product, or make it",
        description="What is not given is emptied, but for `published` and `images`, which stay as they are. By `sku:SKU` a product that"
        " is missing is made (201), so that the same call may be sent again.",
        parameters=[schema.PRODUCT, schema.IF_MATCH, schema.IF_NONE_MATCH],
        request=schema.ReplacedProductSchema,
        responses={
            200: schema.WrittenProductSchema,
            201: schema.WrittenProductSchema,
            **schema.problems(400, 401, 403, 404, 409, 412, 413, 415, 503),
        },
        tags=["writes"],
    )
    def put(self, request: Request, product: ProductName) -> Response:
        return _written(request, Operation.REPLACE, product, ["change"] if product.sku == "" else ["add", "change"])

    @extend_schema(
        operation_id="products_update",
        summary="Change some of a product",
        description="What is not given stays. `attributes` are merged; null takes one away.",
        parameters=[schema.PRODUCT, schema.IF_MATCH],
        request=schema.PatchedProductSchema,
        responses={200: schema.WrittenProductSchema, **schema.problems(400, 401, 403, 404, 409, 412, 413, 415, 503)},
        tags=["writes"],
    )
    def patch(self, request: Request, product: ProductName) -> Response:
        return _written(request, Operation.PATCH, product, ["change"])

    @extend_schema(
        operation_id="products_delete",
        summary="Delete a product with its photos",
        parameters=[schema.PRODUCT, schema.IF_MATCH],
        request=None,
        responses={204: None, **schema.problems(401, 403, 404, 412, 503)},
        tags=["writes"],
    )
    def delete(self, request: Request, product: ProductName) -> Response:
        author = author_of(request, needed("product", ["delete"]))
        change_product(Change(Operation.DELETE, target_of(product), if_match=if_match(request)), author=author)
        return Response(status=204, headers=KEPT_BY_NOBODY)


def _written(request: Request, operation: Operation, name: ProductName | None, actions: list[str]) -> Response:
    permissions = needed("product", actions)
    author = author_of(request, permissions)
    body = exact_json(as_sent(request), most=MOST_BYTES)
    if "images" in body:
        author = author_of(request, [*permissions, *_PHOTOS])
    target = None if name is None else target_of(name)
    change = read_change(body, operation, target, if_match=if_match(request), if_none=if_none(request))
    return answer(request, change_product(change, author=author))
