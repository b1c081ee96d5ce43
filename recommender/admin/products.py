"""What the recommender adds to a product's page: the state of each photo's embedding, "embed again", similar items."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from catalog.admin import ProductAdmin, ProductImageInline
from catalog.admin.forms import Upload
from catalog.models import Product, ProductImage
from recommender.admin.deleting import DeletesDerivedRows
from recommender.admin.jobs import MAY_ASK, ask_again
from recommender.admin.known_photos import tell_of_known
from recommender.admin.placeholders import rule_on
from recommender.models import EmbeddingJob, Placeholder, PlaceholderFile
from recommender.pipeline import jobs
from recommender.records.calibration import LABELS
from recommender.search import products as hydration
from recommender.search.answers import NoActiveSpace
from recommender.search.filters import SearchOptions
from recommender.search.query_products import UnknownProduct
from recommender.search.similarity import similar_to_product

SIMILAR = 12
_IMAGE_ID = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class SimilarItems:
    """The similar items of a product for people: `status` as in the API, `detail` why there are none, `by_labels` whether
    their confidence is a share of answers with the same label (else a percentile of scores)."""

    status: str
    detail: str
    found: Sequence[dict[str, Any]]
    by_labels: bool = False


def similar_items(product_id: int) -> SimilarItems:
    """Published lookalikes of a product, published or not itself, best first."""
    try:
        answer = similar_to_product(product_id=product_id, options=SearchOptions(limit=SIMILAR), unpublished=True)
    except (NoActiveSpace, UnknownProduct) as error:
        return SimilarItems("failed", str(error), [])
    products = hydration.products_by_image([item.image_id for item in answer.found])
    found = [
        products[item.image_id] | {"score": item.score, "confidence": item.confidence}
        for item in answer.found
        if item.image_id in products
    ]
    return SimilarItems(answer.status, answer.detail, found, by_labels=answer.confidence_basis == LABELS)


def state_of(state: jobs.PhotoState) -> SafeString:
    """A photo's state as the admin shows it; a photo without a job waits for a space that wants it."""
    return render_to_string("admin/recommender/product/state.html", {"state": state, "name": state.state or "pending"})


class EmbeddedPhotoInline(ProductImageInline):
    fields = [*ProductImageInline.fields, "embedding"]
    readonly_fields = [*ProductImageInline.readonly_fields, "embedding"]

    @admin.display(description="Embedding")
    def embedding(self, image: ProductImage) -> SafeString:
        if image.pk is None:
            return SafeString()
        file = PlaceholderFile.objects.select_related("placeholder").filter(digest=image.digest).first()
        context = {
            "image": image,
            "state": state_of(jobs.photo_state(image.pk)),
            "placeholder": file.placeholder if file is not None else None,
        }
        return render_to_string("admin/recommender/product/embedding.html", context)


class RecommendingProductAdmin(DeletesDerivedRows, ProductAdmin):
    change_form_template = "admin/recommender/product/change_form.html"
    inlines = [EmbeddedPhotoInline if inline is ProductImageInline else inline for inline in ProductAdmin.inlines]
    actions = [*ProductAdmin.actions, "embed_again"]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path("<int:product_id>/again/", view(require_POST(self.again)), name="recommender_embed_product_again"),
            path("<int:product_id>/ruled/", view(require_POST(self.ruled)), name="recommender_rule_on_photo"),
            path("<int:product_id>/similar/", view(require_safe(self.similar)), name="recommender_similar_items"),
        ]
        return ours + super().get_urls()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        product = kwargs.get("obj")
        if product is not None:
            context |= {"similar": similar_items(product.pk), "may_ask": request.user.has_perm(MAY_ASK)}
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    def again(self, request: HttpRequest, product_id: int) -> HttpResponse:
        """Embed the photos of a product again, or the one that `image` names."""
        of_product = EmbeddingJob.objects.filter(image__product=get_object_or_404(Product, pk=product_id))
        image = request.GET.get("image", "")
        if image and not _IMAGE_ID.fullmatch(image):
            raise Http404(f"no photo has the id {image[:40]!r}")
        ask_again(request, of_product.filter(image=int(image)) if image else of_product)
        return redirect("admin:catalog_product_change", product_id)

    def ruled(self, request: HttpRequest, product_id: int) -> HttpResponse:
        """Rule whether the photo that `image` names is a placeholder: `ruling` is a value of Placeholder.Ruling."""
        image, ruling = request.GET.get("image", ""), request.GET.get("ruling", "")
        if not _IMAGE_ID.fullmatch(image) or ruling not in Placeholder.Ruling.values:
            raise Http404(f"no photo has the id {image[:40]!r}, or {ruling[:40]!r} is no ruling")
        photo = get_object_or_404(ProductImage, pk=int(image), product=product_id)
        rule_on(request, [photo.digest], Placeholder.Ruling(ruling))
        return redirect("admin:catalog_product_change", product_id)

    def similar(self, request: HttpRequest, product_id: int) -> JsonResponse:
        """The parts of the page that change while it is open: similar items, and the states of the photos."""
        product = get_object_or_404(Product, pk=product_id)
        items = similar_items(product_id)
        states = jobs.photo_states([image.pk for image in product.images.all()])
        html = render_to_string("admin/recommender/product/similar.html", {"similar": items, "original": product})
        return JsonResponse(
            {
                "pending": items.status == "pending",
                "similar": html,
                "states": {image_id: state_of(state) for image_id, state in states.items()},
            }
        )

    def photos_saved(self, request: HttpRequest, product: Product, uploads: Sequence[Upload]) -> None:
        """Say which of the new photos the catalogue has already."""
        super().photos_saved(request, product, uploads)
        tell_of_known(request, product, uploads)

    @admin.action(description="Embed the photos of selected products again", permissions=["change"])
    def embed_again(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        ask_again(request, EmbeddingJob.objects.filter(image__product__in=list(queryset.values_list("pk", flat=True))))

    class Media:
        css = {"all": ["recommender/admin.css"]}
        js = ["recommender/admin.js"]


admin.site.unregister(Product)
admin.site.register(Product, RecommendingProductAdmin)
