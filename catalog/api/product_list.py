"""What `GET products/` is asked for, and its answer: a page by number, one behind a cursor, or products by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from rest_framework.request import Request

from catalog.api.json_view import as_sent
from catalog.api.parameter_schema import LIST
from catalog.facets import counted, read_facets
from catalog.fields import CATALOGUE_PRODUCT, Fields, read_fields
from catalog.filters.chosen import Filters
from catalog.filters.registry import PARAMETERS, read_filters
from catalog.identifiers import ProductName, read_names
from catalog.models import Product
from catalog.parameters import MAX_ID, InvalidParameter, Parameters, read_one, read_whole
from catalog.product_search import filtered
from catalog.representation import absolute_url, product_json, products_for_answers
from catalog.sorting import Order, Position, read_cursor, read_order, write_cursor
from catalog.text_search import MAX_WORDS, TextSearch, text_search
from catalog.tracking import without_tracking

PAGE_SIZE = 24
MAX_PAGE_SIZE = 100
MAX_PAGE = 1_000_000
MAX_SEARCH = 200  # characters
MAX_IDS = 100


@dataclass(frozen=True)
class _Asked:
    """`names`: products by name with their ids, where those are asked for. `position`: of a cursor."""

    filters: Filters
    search: TextSearch | None
    order: Order
    fields: Fields | None
    facets: Sequence[str]
    number: int
    size: int
    position: Position | None
    names: Mapping[ProductName, int | None] | None


def given(request: Request) -> Parameters:
    """The query string; of what may not be repeated the last value counts, as forms with hidden fields rely on."""
    repeated = {"facets", "fields", "ids"}
    return {
        name: values
        if name in repeated or any(parameter.many and parameter.takes(name) for parameter in PARAMETERS)
        else values[-1:]
        for name, values in without_tracking(dict(request.query_params.lists())).items()
    }


def product_list(request: Request) -> dict[str, Any]:
    """The answer. Raises InvalidParameter."""
    asked = _read(given(request))
    found = filtered(products_for_answers(asked.fields), filters=asked.filters, search=asked.search)
    if asked.names is not None:
        answer = _by_name(found, asked, asked.names)
    elif asked.position is not None:
        answer = _behind_cursor(request, found, asked, asked.position)
    else:
        answer = _page(request, found, asked)
    query = dict(asked.filters.named)
    if asked.search is not None and asked.search.corrected:
        query["search"] = asked.search.corrected
    if query:
        answer["query"] = query
    if asked.facets:
        every = Product.objects.filter(published=True)
        answer["facets"] = counted(every, asked.facets, filters=asked.filters, search=asked.search)
    return answer


def _read(parameters: Parameters) -> _Asked:
    filters = read_filters(parameters, also=[parameter.name for parameter in LIST])
    names = read_names(parameters, "ids", most=MAX_IDS) if "ids" in parameters else None
    for one, others in (("ids", ("page", "page_size", "cursor", "sort")), ("cursor", ("page",))):
        for other in others:
            if one in parameters and other in parameters:
                raise InvalidParameter(other, f"does not go with {one}; leave out one of the two")
    search = text_search(_read_words(parameters), published=True)
    order = read_order(parameters, search)
    return _Asked(
        filters=filters,
        search=search,
        order=order,
        fields=read_fields(parameters, CATALOGUE_PRODUCT),
        facets=read_facets(parameters),
        number=read_whole(parameters, "page", least=1, most=MAX_PAGE, default=1),
        size=read_whole(parameters, "page_size", least=1, most=MAX_PAGE_SIZE, default=PAGE_SIZE),
        position=read_cursor(parameters, order),
        names=names,
    )


def _read_words(parameters: Parameters) -> str:
    words = read_one(parameters, "search") or ""
    if len(words) > MAX_SEARCH:
        raise InvalidParameter("search", f"{len(words)} characters, at most {MAX_SEARCH}")
    if len(words.split()) > MAX_WORDS:
        raise InvalidParameter("search", f"more than {MAX_WORDS} words")
    return words


def _page(request: Request, found: QuerySet[Product], asked: _Asked) -> dict[str, Any]:
    count = found.count()
    number, size = asked.number, asked.size
    last = max(1, -(-count // size))
    if number > last:
        raise InvalidParameter("page", f"{number} is beyond the last page, {last}")
    page = asked.order.page(found, first=(number - 1) * size, count=size)
    return {
        "count": count,
        "next": _url(request, page=str(number + 1)) if number < last else None,
        "previous": _url(request, page=str(number - 1)) if number > 1 else None,
        "next_cursor": _cursor(asked.order, page) if number < last else None,
        "results": [product_json(product, asked.fields) for product in page],
    }


def _behind_cursor(request: Request, found: QuerySet[Product], asked: _Asked, position: Position) -> dict[str, Any]:
    """One row more is read than is shown: whether it is there says whether there is a next page."""
    rows = asked.order.after(found, position, count=asked.size + 1)
    page = rows[: asked.size]
    cursor = _cursor(asked.order, page) if len(rows) > asked.size else None
    return {
        "count": found.count(),
        "next": None if cursor is None else _url(request, cursor=cursor),
        "previous": None,
        "next_cursor": cursor,
        "results": [product_json(product, asked.fields) for product in page],
    }


def _by_name(found: QuerySet[Product], asked: _Asked, names: Mapping[ProductName, int | None]) -> dict[str, Any]:
    """In the order of the names, each product once; `unknown` are those that are no published products."""
    ids = list(dict.fromkeys(pk for pk in names.values() if pk is not None and pk <= MAX_ID))
    products = found.in_bulk(ids)
    page = [products[pk] for pk in ids if pk in products]
    missing = [pk for pk in ids if pk not in products]
    there = (
        set(Product.objects.filter(pk__in=missing, published=True).values_list("pk", flat=True)) if missing else set()
    )
    known = {*products, *there}
    unknown = [name.written for name, pk in names.items() if pk not in known]
    return {
        "count": len(page),
        "next": None,
        "previous": None,
        "next_cursor": None,
        "results": [product_json(product, asked.fields) for product in page],
        **({"unknown": unknown} if unknown else {}),
    }


def _cursor(order: Order, page: Sequence[Product]) -> str:
    return write_cursor(order, order.position_of(page[-1]))


def _url(request: Request, **changed: str) -> str:
    query = without_tracking(dict(request.query_params.lists())) | {name: [text] for name, text in changed.items()}
    return absolute_url(as_sent(request), f"{request.path}?{urlencode(query, doseq=True)}")
