"""How far an errand is, for the script of the page that waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path

from catalog.models import Errand

if TYPE_CHECKING:
    ErrandModelAdmin = admin.ModelAdmin[Errand]
else:
    ErrandModelAdmin = admin.ModelAdmin


@admin.register(Errand)
class ErrandAdmin(ErrandModelAdmin):
    """No pages of its own: errands are shown where they were asked for."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.state_view)
        return [path("<int:errand>/state/", view, name="catalog_errand_state")]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    def state_view(self, request: HttpRequest, errand: int) -> HttpResponse:
        """Its state as JSON, for anybody of the staff: it tells nothing of the catalogue."""
        found = get_object_or_404(Errand, pk=errand)
        waits = found.state == Errand.State.WAITING
        said = "waits for a worker" if waits else found.stage
        return JsonResponse({"over": found.is_over, "said": said, "share": found.share})
