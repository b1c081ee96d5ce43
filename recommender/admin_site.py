"""The admin site: what its navigation lists, and Home.

Django makes the site when the first admin page is registered, so nothing here may import such a page.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse

# The pages that people come for, first to last, by the model whose list they are; a model that is not registered is left out.
_MAIN = (
    ("Products", "catalog.product"),
    ("Rules", "recommender.rule"),
    ("Feeds", "catalog.feed"),
    ("Duplicates", "recommender.duplicatecluster"),
    ("Photos", "recommender.embeddingjob"),
    ("Spaces", "recommender.space"),
)


class ShopSite(AdminSite):
    """Django's site, with links to the main pages in its header."""

    site_header = site_title = "Lookalike"
    index_title = "Home"
    enable_nav_sidebar = False  # the header leads to the main pages, and Home to all

    index_template = "admin/recommender/home.html"

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        from recommender.admin.home import tiles

        return super().index(request, {"tiles": tiles(request), **(extra_context or {})})

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().each_context(request), "main_links": self.main_links(request)}

    def main_links(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Label and address of the main pages that the person may see."""
        if not self.has_permission(request):
            return []
        admins = {model._meta.label_lower: admin for model, admin in self._registry.items()}
        return [
            (label, reverse(f"admin:{name.replace('.', '_')}_changelist"))
            for label, name in _MAIN
            if name in admins and admins[name].has_view_permission(request)
        ]
