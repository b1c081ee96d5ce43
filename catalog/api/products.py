"""`GET products/`, `GET products/{id}/`, `GET categories/`: the published catalogue."""

from __future__ import annotations

from typing import Any
from unicodedata import normalize

import orjson
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.entity_tags import entity_tag
from catalog.api.problems import Problem
from catalog.api.schema import FILTERS, LIST, CategoriesSchema, ProductPageSchema, ProductSchema, problem
from catalog.changes.versions import version_of
from catalog.filters.registry import PARAMETERS, read_filters
from catalog.identifiers import ProductName
from catalog.parameters import InvalidParameter, Parameters, read_one, read_whole
from catalog.product_search import MAX_WORDS, category_counts, filtered
from catalog.representation import product_json, products_for_answers

PAGE_SIZE = 24
MAX_PAGE_SIZE = 100
MAX_PAGE = 1_000_000
MAX_SEARCH = 200  # characters


@extend_schema(
    operation_id="products_list",
    summary="Published products, by id",
    parameters=[*LIST, *FILTERS],
    responses={200: ProductPageSchema, 400: problem("A bad parameter, named in `parameter`.")},
    tags=["catalogue"],
)
@api_view(["GET"])
def products(request: Request) -> Response:
    given = _given(request)
    filters = read_filters(given, also=[parameter.name for parameter in LIST])
    number = read_whole(given, "page", least=1, most=MAX_PAGE, default=1)
    size = read_whole(given, "page_size", least=1, most=MAX_PAGE_SIZE, default=PAGE_SIZE)
    found = filtered(products_for_answers(), words=_read_words(given), filters=filters)
    count = found.count()
    last = max(1, -(-count // size))
    if number > last:
        raise InvalidParameter("page", f"{number} is beyond the last page, {last}")
    page = found[(number - 1) * size : number * size]
    return Response(
        {
            "count": count,
            "next": _page_url(request, number + 1) if number < last else None,
            "previous": _page_url(request, number - 1) if number > 1 else None,
            "results": [product_json(product) for product in page],
            **({"query": filters.named} if filters.named else {}),
        }
    )


@extend_schema(
    operation_id="products_retrieve",
    summary="One published product",
    responses={200: ProductSchema, 404: problem("No such product, or it is not published.")},
    tags=["catalogue"],
)
@api_view(["GET"])
def product(request: Request, product: ProductName) -> Response:
    named = {"pk": product.id} if product.id is not None else {"sku": normalize("NFC", product.sku)}
    found = products_for_answers().filter(**named).first()
    if found is None:
        raise Problem(404, detail=f"there is no published product {product}")
    body = orjson.dumps(product_json(found), option=orjson.OPT_NON_STR_KEYS)
    return Response(body, headers={"ETag": entity_tag(version_of(found.pk, found.updated_at), body)})


@extend_schema(
    operation_id="categories_list",
    summary="The category tree in its order, parents first",
    responses={200: CategoriesSchema},
    tags=["catalogue"],
)
@api_view(["GET"])
def categories(request: Request) -> Response:
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


def _given(request: Request) -> Parameters:
    """The query string; of what may not be repeated the last value counts, as forms with hidden fields rely on."""
    return {
        name: values if any(parameter.many and parameter.takes(name) for parameter in PARAMETERS) else values[-1:]
        for name, values in request.query_params.lists()
    }


def _read_words(given: Parameters) -> str:
    words = read_one(given, "search") or ""
    if len(words) > MAX_SEARCH:
        raise InvalidParameter("search", f"{len(words)} characters, at most {MAX_SEARCH}")
    if len(words.split()) > MAX_WORDS:
        raise InvalidParameter("search", f"more than {MAX_WORDS} words")
    return words


def _page_url(request: Request, number: int) -> str:
    query = request.query_params.copy()
    query["page"] = str(number)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
