"""`GET products/`, `GET products/{id}/`, `GET categories/`: the published catalogue."""

from __future__ import annotations

from typing import Any

import orjson
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.described import extend_schema
from catalog.api.parameter_schema import FIELDS, FILTERS, LIST, PRODUCT
from catalog.api.problems import Problem
from catalog.api.product_list import given, product_list
from catalog.api.schema import CategoriesSchema, ProductPageSchema, ProductSchema, problem
from catalog.caching import kept_as, public
from catalog.changes.versions import entity_tag, version_of
from catalog.fields import CATALOGUE_PRODUCT, read_fields
from catalog.identifiers import ProductName, ids_of
from catalog.product_search import category_counts
from catalog.representation import product_json, products_for_answers

CATEGORIES_SECONDS = 300  # that the tree and its counts may be old


class PublishedProducts(APIView):
    """The catalogue: a list, what words find, or products by their ids."""

    @extend_schema(
        operation_id="products_list",
        summary="Published products: a list, what words find, or products by name",
        parameters=[*LIST, *FILTERS],
        responses={200: ProductPageSchema, 400: problem("A bad parameter, named in `parameter`.")},
        tags=["catalogue"],
    )
    def get(self, request: Request) -> Response:
        """A page of the catalogue, in an order, with the words and filters that are asked for; or products by their ids."""
        return Response(product_list(request))


class PublishedProduct(APIView):
    """One product of the catalogue."""

    @extend_schema(
        operation_id="products_retrieve",
        summary="One published product",
        parameters=[PRODUCT, FIELDS],
        responses={
            200: ProductSchema,
            400: problem("A bad parameter, named in `parameter`."),
            404: problem("No such product, or it is not published."),
        },
        tags=["catalogue"],
    )
    def get(self, request: Request, product: ProductName) -> Response:
        fields = read_fields(given(request), CATALOGUE_PRODUCT)
        product_id = ids_of([product]).get(product)
        found = products_for_answers(fields).filter(pk=product_id).first() if product_id is not None else None
        if found is None:
            raise Problem(404, detail=f"there is no published product {product}")
        body = orjson.dumps(product_json(found, fields), option=orjson.OPT_NON_STR_KEYS)
        return Response(body, headers={"ETag": entity_tag(version_of(found.pk, found.updated_at), body)})


class Categories(APIView):
    """The category tree."""

    @extend_schema(
        operation_id="categories_list",
        summary="The category tree in its order, parents first",
        responses={200: CategoriesSchema},
        tags=["catalogue"],
    )
    def get(self, request: Request) -> Response:
        results: list[dict[str, Any]] = [
            {
                "slug": node.category.slug,
                "name": node.category.name,
                "parent": node.parent,
                "depth": node.category.depth,
                "products": node.products,
            }
            for node in category_counts()
        ]
        return Response({"results": results})


categories = kept_as(public(CATEGORIES_SECONDS))(Categories.as_view())
