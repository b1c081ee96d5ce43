"""Every address that the web process answers."""

from django.contrib import admin
from django.urls import include, path

from config import schema_pages

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("recommender.api.urls")),
    path("api/v1/", include("catalog.api.urls")),
    path("api/v1/", include("catalog.writes.urls")),
    path("api/schema/", schema_pages.schema, name="schema"),
    path("api/docs/", schema_pages.docs, name="docs"),
    path("", include("recommender.monitoring.urls")),
    path("", include("catalog.urls")),
]

# Problem details under /api/, a page elsewhere.
handler400 = "catalog.api.problems.bad_request"
handler403 = "catalog.api.problems.permission_denied"
handler404 = "catalog.storefront.views.not_found"
handler500 = "catalog.api.problems.server_error"
