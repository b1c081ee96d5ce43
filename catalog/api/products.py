"""`GET products/`, `GET products/{id}/`, `GET categories/`: the published catalogue."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.parameters import check_names, read_flag, read_price, read_text, read_texts, read_whole_number
from catalog.api.problems import Problem, bad_parameter
from catalog.api.schema import PRODUCT_FILTERS, CategoriesSchema, ProductPageSchema, ProductSchema, problem
from catalog.models import Category
from catalog.product_search import MAX_WORDS, ProductFilters, category_counts, filtered
from catalog.representation import product_json, products_for_answers

PAGE_SIZE = 24
MAX_PAGE_SIZE = 100
MAX_PAGE = 1_000_000
PARAMETERS = [parameter.name for parameter in PRODUCT_FILTERS]


@extend_schema(
    operation_id="products_list",
    summary="Published products, by id",
    parameters=PRODUCT_FILTERS,
    responses={200: ProductPageSchema, 400: problem("A bad parameter, named in `parameter`.")},
    tags=["catalogue"],
)
@api_view(["GET"])
def products(request: Request) -> Response:
    query = request.query_params
    check_names(query, PARAMETERS)
    filters = read_filters(query)
    number = read_whole_number(query, "page", default=1, least=1, most=MAX_PAGE)
    size = read_whole_number(query, "page_size", default=PAGE_SIZE, least=1, most=MAX_PAGE_SIZE)
    found = filtered(products_for_answers(), filters)
    count = found.count()
    last = max(1, -(-count // size))
    if number > last:
        raise bad_parameter("page", f"{number} is beyond the last page, {last}")
    page = found[(number - 1) * size : number * size]
    return Response(
        {
            "count": count,
            "next": _page_url(request, number + 1) if number < last else None,
            "previous": _page_url(request, number - 1) if number > 1 else None,
            "results": [product_json(product) for product in page],
        }
    )


@extend_schema(
    operation_id="products_retrieve",
    summary="One published product",
    responses={200: ProductSchema, 404: problem("No such product, or it is not published.")},
    tags=["catalogue"],
)
@api_view(["GET"])
def product(request: Request, product_id: int) -> Response:
    found = products_for_answers().filter(pk=product_id).first()
    if found is None:
        raise Problem(404, detail=f"there is no published product {product_id}")
    return Response(product_json(found))


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


def read_filters(query: QueryDict) -> ProductFilters:
    """Raises Problem 400 naming the parameter."""
    search = read_text(query, "search")
    if len(search.split()) > MAX_WORDS:
        raise bad_parameter("search", f"more than {MAX_WORDS} words")
    category = None
    if slug := read_text(query, "category", longest=255):
        category = Category.objects.filter(slug=slug).first()
        if category is None:
            raise bad_parameter("category", f"there is no category {slug!r}; categories/ lists them")
    low, high = read_price(query, "min_price"), read_price(query, "max_price")
    if low is not None and high is not None and low > high:
        raise bad_parameter("min_price", f"{low} is more than max_price {high}")
    return ProductFilters(
        search=search,
        category=category,
        brands=read_texts(query, "brand"),
        in_stock=read_flag(query, "in_stock"),
        min_price=low,
        max_price=high,
    )


def _page_url(request: Request, number: int) -> str:
    query = request.query_params.copy()
    query["page"] = str(number)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
