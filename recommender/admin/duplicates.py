"""Duplicates in the admin: products that show the same photo, side by side, and what a person decides of them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from catalog.edit_history import edited_by
from catalog.errands.asking import ask, latest, under_way
from recommender.admin.placeholders import APPLY, MAY_RULE
from recommender.admin.read_only import ReadOnlyAdmin
from recommender.duplicates.deciding import CannotDecide, decide, take_back
from recommender.duplicates.finding import ERRAND
from recommender.duplicates.listing import shown_clusters, shown_decisions
from recommender.models import DuplicateCluster, DuplicateDecision
from recommender.pipeline import doorbell

PAGE = "admin:recommender_duplicatecluster_changelist"
MAY_DECIDE = "recommender.change_duplicatecluster"
_A_PAGE, _DECISIONS = 10, 20


@admin.register(DuplicateCluster)
class DuplicateClusterAdmin(ReadOnlyAdmin):
    """The queue of probable duplicates."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = "recommender_duplicatecluster"
        return [
            path("search/", view(require_POST(self.search_view)), name=f"{name}_search"),
            path("<int:cluster>/decide/", view(require_POST(self.decide_view)), name=f"{name}_decide"),
            path("decisions/<int:decision>/back/", view(require_POST(self.back_view)), name=f"{name}_back"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Clusters, those most alike first, and below them the last decisions."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        paginator = self.get_paginator(request, DuplicateCluster.objects.all(), _A_PAGE)
        page = paginator.get_page(request.GET.get("p"))
        context = {
            **self.admin_site.each_context(request),
            "title": "Duplicates",
            "opts": self.opts,
            "page": page,
            "clusters": shown_clusters(page.object_list),
            "decisions": shown_decisions(DuplicateDecision.objects.select_related("decided_by")[:_DECISIONS]),
            "errand": under_way(ERRAND),
            "last": latest(ERRAND),
            "may_decide": request.user.has_perm(MAY_DECIDE),
            "may_rule": request.user.has_perm(MAY_RULE),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/recommender/duplicates.html", context)

    def search_view(self, request: HttpRequest) -> HttpResponse:
        """Have a worker compare all photos."""
        self._check(request, MAY_DECIDE)
        ask(ERRAND, by=request.user.pk)
        return redirect(PAGE)

    def decide_view(self, request: HttpRequest, cluster: int) -> HttpResponse:
        """Decide on the chosen `product`s of a cluster; `kind` is a value of DuplicateDecision.Kind."""
        kind = request.POST.get("kind", "")
        if kind not in DuplicateDecision.Kind.values:
            raise Http404(f"{kind[:40]!r} is no decision")
        self._check(request, MAY_DECIDE, *([MAY_RULE] if kind == DuplicateDecision.Kind.PLACEHOLDER else []))
        chosen = {
            int(one) for one in request.POST.getlist("product") if one.isascii() and one.isdecimal() and len(one) < 19
        }
        try:
            with edited_by(lambda: request.user.pk, "Decided on duplicates"), transaction.atomic():
                decision = decide(
                    cluster_id=cluster, kind=DuplicateDecision.Kind(kind), products=chosen, by=request.user.pk
                )
                self._apply(decision)
        except CannotDecide as error:
            messages.error(request, f"Nothing was decided: {error}.")
        else:
            messages.success(request, f"{len(decision.products)} products: {decision.get_kind_display()}.")
        return self._back_to(request)

    def back_view(self, request: HttpRequest, decision: int) -> HttpResponse:
        """Take a decision back."""
        self._check(request, MAY_DECIDE)
        try:
            with edited_by(lambda: request.user.pk, "Took back a decision on duplicates"), transaction.atomic():
                self._apply(taken := take_back(decision_id=decision))
        except CannotDecide as error:
            messages.error(request, f"Nothing was changed: {error}.")
        else:
            messages.success(
                request, f"Taken back: {taken.get_kind_display()}. Its products wait for a decision again."
            )
        return self._back_to(request)

    def _apply(self, decision: DuplicateDecision) -> None:
        if decision.kind == DuplicateDecision.Kind.PLACEHOLDER:
            transaction.on_commit(lambda: doorbell.ring(task=APPLY), robust=True)

    def _check(self, request: HttpRequest, *permissions: str) -> None:
        if not request.user.has_perms(permissions):
            raise PermissionDenied

    def _back_to(self, request: HttpRequest) -> HttpResponse:
        number = request.GET.get("p", "")
        return redirect(f"{redirect(PAGE).url}?p={number}" if number.isdecimal() else PAGE)
