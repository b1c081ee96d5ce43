"""The OpenAPI schema and the page that shows it. What writes them is imported when the first is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from catalog.caching import kept_as, public

SCHEMA_SECONDS = 3600  # that the schema may be old after an upgrade


@csrf_exempt
@kept_as(public(SCHEMA_SECONDS), keyless=True)
def schema(request: HttpRequest) -> HttpResponse:
    """The schema, as YAML or JSON."""
    return _views()[0](request)


@csrf_exempt
def docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI over the schema. The split view keeps its script out of the page, as the content policy asks."""
    return _views()[1](request)


@cache
def _views() -> tuple[Callable[[HttpRequest], HttpResponse], Callable[[HttpRequest], HttpResponse]]:
    from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

    return (
        SpectacularAPIView.as_view(),
        SpectacularSwaggerSplitView.as_view(url_name="schema", http_method_names=["get", "head"]),
    )
