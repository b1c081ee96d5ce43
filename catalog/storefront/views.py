"""The storefront's pages: empty shells that a script fills from the public API."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static


def products(request: HttpRequest) -> HttpResponse:
    return render(request, "catalog/products.html")


def product(request: HttpRequest, product_id: int) -> HttpResponse:
    return render(request, "catalog/product.html", {"product_id": product_id})


def icon(request: HttpRequest) -> HttpResponse:
    """Where browsers look for an icon on pages that name none, such as the admin's."""
    return redirect(static("catalog/icon.svg"))


def photo_search(request: HttpRequest) -> HttpResponse:
    return render(request, "catalog/photo_search.html")


def color_search(request: HttpRequest) -> HttpResponse:
    return render(request, "catalog/color_search.html")
