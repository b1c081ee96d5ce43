"""The storefront's pages: empty shells that a script fills from the public API, which knows them by their cookie."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static

from catalog.access.pages import give_cookie


def products(request: HttpRequest) -> HttpResponse:
    return _page(request, "catalog/products.html")


def product(request: HttpRequest, product_id: int) -> HttpResponse:
    return _page(request, "catalog/product.html", {"product_id": product_id})


def icon(request: HttpRequest) -> HttpResponse:
    """Where browsers look for an icon on pages that name none, such as the admin's."""
    return redirect(static("catalog/icon.svg"))


def photo_search(request: HttpRequest) -> HttpResponse:
    return _page(request, "catalog/photo_search.html")


def color_search(request: HttpRequest) -> HttpResponse:
    return _page(request, "catalog/color_search.html")


def _page(request: HttpRequest, template: str, context: dict[str, object] | None = None) -> HttpResponse:
    """A page whose scripts may ask the API."""
    response = render(request, template, context)
    give_cookie(response)
    return response
