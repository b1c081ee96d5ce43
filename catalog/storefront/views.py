"""The storefront's pages, whole without scripts, and the lists that their scripts ask for again by themselves."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe
from django.views.i18n import set_language

from catalog.access.pages import give_cookie
from catalog.api import problems
from catalog.api.problems import API_PREFIX
from catalog.caching import NOT_STORED, REVALIDATED
from catalog.representation import absolute_url
from catalog.storefront import port
from catalog.storefront.address import Address
from catalog.storefront.choices import items
from catalog.storefront.detail import Detail, detail_of
from catalog.storefront.grid import NoSuchPage, OddPrice, grid_of
from catalog.storefront.language import in_shoppers_language
from catalog.storefront.lists import SHOWN, Listed, listed, part
from catalog.storefront.similar import SimilarAsked
from catalog.storefront.why import explanation_of

HEADER_OF_SCRIPTS = "X-Part"  # a script wants the list alone


@require_safe
@in_shoppers_language
def products(request: HttpRequest) -> HttpResponseBase:
    """The catalogue, narrowed by the address."""
    address = Address.of(request)
    try:
        grid = grid_of(address, stock_first=port.search().stock_first())
    except NoSuchPage:
        return _not_found(request)
    except OddPrice:
        again = str(address.having(min_price="", max_price=""))
        return page(request, "catalog/odd_price.html", {"again": again}, status=400)
    context = {"grid": grid, "counted": items(grid.count), "canonical": absolute_url(request, grid.canonical)}
    return page(request, "catalog/products.html", context)


@require_safe
@in_shoppers_language
def product(request: HttpRequest, product_id: int) -> HttpResponseBase:
    """A product, and what looks like it."""
    asked = SimilarAsked.of(request)
    detail = detail_of(request, product_id=product_id, shown=asked.photo)
    if detail is None:
        return _not_found(request)
    similar = _similar(request, detail, asked)
    return page(
        request,
        "catalog/product.html",
        {
            "detail": detail,
            "asked": asked,
            "list": similar,
            "colors": _own_colors(request, product_id),
            "why_query": asked.why_query,
        },
    )


@require_safe
@in_shoppers_language
def similar(request: HttpRequest, product_id: int) -> HttpResponseBase:
    """What looks like a product: the list alone."""
    asked = SimilarAsked.of(request)
    detail = detail_of(request, product_id=product_id, shown=asked.photo)
    if detail is None:
        return _not_found(request)
    answer = _similar(request, detail, asked)
    return part(request, answer, detail=detail, why_query=asked.why_query)


@require_safe
@in_shoppers_language
def why(request: HttpRequest, product_id: int, other_id: int) -> HttpResponseBase:
    """What two products have in common: two pictures and a sentence; for scripts, those alone."""
    explanation = explanation_of(request, product_id=product_id, other_id=other_id)
    if explanation is None:
        return _not_found(request)
    template = "catalog/why_pair.html" if HEADER_OF_SCRIPTS in request.headers else "catalog/why.html"
    response = page(request, template, {"why": explanation}, status=explanation.status)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@require_safe
@in_shoppers_language
def color_search(request: HttpRequest) -> HttpResponseBase:
    """What has the colours that the address names as `hex`."""
    given = request.GET.getlist("hex")
    colors: list[str] = []

    def ask() -> port.Found:
        found, named = port.search().by_colors(request, parameters={"hex": given, "limit": [str(SHOWN)]})
        colors.extend(named)
        return found

    answer = listed(ask, nothing=gettext("Nothing in the shop has these colours.")) if given else _no_color()
    return page(request, "catalog/color_search.html", {"list": answer, "colors": colors}, status=answer.status)


@require_safe
def icon(request: HttpRequest) -> HttpResponse:
    """Where browsers look for an icon on pages that name none, such as the admin's."""
    return redirect(static("catalog/icon.svg"))


@csrf_exempt
@require_POST
def language(request: HttpRequest) -> HttpResponseBase:
    """Keep the shopper's language in a cookie, and go back. Nobody is logged in, so there is nothing to forge."""
    return set_language(request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler404: problem details under /api/, elsewhere a page in the shopper's language."""
    if request.path.startswith(API_PREFIX):
        return problems.not_found(request, exception)
    return in_shoppers_language(_not_found)(request)


def page(request: HttpRequest, template: str, context: Mapping[str, object], *, status: int = 200) -> HttpResponse:
    """A page whose scripts may ask the API, too. Browsers ask before each use whether it is still right."""
    response = render(request, template, dict(context), status=status)
    response.headers.setdefault("Cache-Control", REVALIDATED if status == 200 else NOT_STORED)
    give_cookie(response)
    return response


def _not_found(request: HttpRequest) -> HttpResponse:
    return page(request, "404.html", {}, status=404)


def _similar(request: HttpRequest, detail: Detail, asked: SimilarAsked) -> Listed:
    if detail.stage is None:
        text = gettext("Similar things appear here once this product has a photo.")
        return Listed(title=gettext("No photo yet"), text=text)
    image_id = detail.stage.image_id if detail.shown > 1 else None
    return listed(
        lambda: port.search().similar(
            request, product_id=detail.product.pk, image_id=image_id, parameters=asked.parameters
        ),
        nothing=gettext("Nothing else looks like it. Take a filter away, and there may be more."),
    )


def _own_colors(request: HttpRequest, product_id: int) -> list[str]:
    """The page is whole without them."""
    try:
        return list(port.search().colors_of(request, product_id=product_id))
    except (port.SearchAway, port.SearchBusy):
        return []


def _no_color() -> Listed:
    return Listed(title=gettext("No colour yet"), text=gettext("Choose one above."))
