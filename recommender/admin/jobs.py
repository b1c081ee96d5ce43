"""The queue in the admin: what waits, what failed and why, and "embed again"."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from catalog.representation import thumbnail_url
from recommender.admin.read_only import ReadOnlyAdmin
from recommender.encoder.store import HEAVY_JOINED
from recommender.models import EmbeddingJob
from recommender.pipeline import doorbell, jobs
from recommender.pipeline.queue_status import queue_status

MAY_ASK = "recommender.change_embeddingjob"


def ask_again(request: HttpRequest, queryset: QuerySet[EmbeddingJob]) -> None:
    """Queue jobs anew for a person who may, and tell them how many."""
    if not request.user.has_perm(MAY_ASK):
        raise PermissionDenied
    with transaction.atomic():
        count = jobs.embed_again(queryset)
        transaction.on_commit(doorbell.ring, robust=True)
    messages.success(request, f"{count} {'photo is' if count == 1 else 'photos are'} embedded again.")


class ReasonFilter(admin.SimpleListFilter):
    """Filter by reasons that occur, as `queue_status` counts them: it spares a scan of a million jobs for five names."""

    title = "reason"
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(reason, f"{reason} ({count})") for reason, count in queue_status()["failed_by_reason"].items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[EmbeddingJob]) -> QuerySet[EmbeddingJob]:
        if self.value() is None:
            return queryset
        return queryset.filter(state=EmbeddingJob.State.FAILED, reason=self.value())


@admin.register(EmbeddingJob)
class EmbeddingJobAdmin(ReadOnlyAdmin):
    change_list_template = "admin/recommender/embeddingjob/change_list.html"
    change_form_template = "admin/recommender/embeddingjob/change_form.html"
    list_display = [
        "photo",
        "product",
        "encoder_name",
        "state",
        "reason",
        "attempts",
        "priority",
        "queued_at",
    ]
    list_filter = ["state", ReasonFilter, "priority", ("encoder", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["image__product__sku", "image__digest"]
    search_help_text = "SKU of the product, or SHA-256 of the photo"
    show_full_result_count = False
    list_per_page = 50
    ordering = ["-id"]
    actions = ["embed_again"]
    fields = [
        *("photo", "product", "encoder_name", "state", "reason", "error", "attempts", "crashes", "alone", "priority"),
        *("queued_at", "started_at", "not_before", "leased_until", "finished_at"),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[EmbeddingJob]:
        rows = super().get_queryset(request).select_related("image__product", "encoder")
        return rows.defer(*HEAVY_JOINED)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path("failed/again/", view(require_POST(self.all_failed_again)), name="recommender_embed_failed_again"),
            path("<int:job_id>/again/", view(require_POST(self.one_again)), name="recommender_embed_one_again"),
        ]
        return ours + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {
            "title": "Photos",
            "queue": queue_status(),
            "may_ask": request.user.has_perm(MAY_ASK),
            **(extra_context or {}),
        }
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        context = {"may_ask": request.user.has_perm(MAY_ASK), **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def has_ask_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MAY_ASK)

    @admin.action(description="Embed again", permissions=["ask"])
    def embed_again(self, request: HttpRequest, queryset: QuerySet[EmbeddingJob]) -> None:
        ask_again(request, EmbeddingJob.objects.filter(pk__in=list(queryset.values_list("pk", flat=True))))

    def all_failed_again(self, request: HttpRequest) -> HttpResponse:
        """All that failed, or those for the `reason`; then the list, or Home where `next` says so."""
        failed = EmbeddingJob.objects.filter(state=EmbeddingJob.State.FAILED)
        reason = request.POST.get("reason")
        ask_again(request, failed if reason is None else failed.filter(reason=reason))
        home = request.POST.get("next") == "home"
        return redirect("admin:index" if home else "admin:recommender_embeddingjob_changelist")

    def one_again(self, request: HttpRequest, job_id: int) -> HttpResponse:
        ask_again(request, EmbeddingJob.objects.filter(pk=job_id))
        return redirect("admin:recommender_embeddingjob_change", job_id)

    @admin.display(description="photo")
    def photo(self, job: EmbeddingJob) -> SafeString | str:
        if not job.image.digest:
            return job.image.source_url
        return format_html(
            '<img src="{}" alt="Photo of {}" class="desk-thumb" loading="lazy">',
            thumbnail_url(job.image.digest),
            job.image.product.title,
        )

    @admin.display(description="product", ordering="image__product__sku")
    def product(self, job: EmbeddingJob) -> SafeString:
        url = reverse("admin:catalog_product_change", args=[job.image.product_id])
        return format_html('<a href="{}">{}</a>', url, job.image.product)

    @admin.display(description="encoder")
    def encoder_name(self, job: EmbeddingJob) -> str:
        return job.encoder.name
