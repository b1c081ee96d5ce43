"""Every address that the web process answers."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from catalog.caching import kept_as, public

SCHEMA_SECONDS = 3600  # that the schema may be old after an upgrade

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("recommender.api.urls")),
    path("api/v1/", include("catalog.api.urls")),
    path("api/v1/", include("catalog.writes.urls")),
    path("api/schema/", kept_as(public(SCHEMA_SECONDS), keyless=True)(SpectacularAPIView.as_view()), name="schema"),
    # The split view keeps its script out of the page, as the content policy asks.
    path(
        "api/docs/",
        SpectacularSwaggerSplitView.as_view(url_name="schema", http_method_names=["get", "head"]),
        name="docs",
    ),
    path("", include("recommender.monitoring.urls")),
    path("", include("catalog.urls")),
]

# Problem details under /api/, a page elsewhere.
handler400 = "catalog.api.problems.bad_request"
handler403 = "catalog.api.problems.permission_denied"
handler404 = "catalog.storefront.views.not_found"
handler500 = "catalog.api.problems.server_error"
