"""What the recommender adds to a product's page: the state of each photo's embedding, "embed again", similar items."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.messages import get_messages
from django.db.models import QuerySet
from django.forms.widgets import Script
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from catalog.admin import ProductAdmin, ProductImageInline
from catalog.admin.uploads import Upload
from catalog.models import Product, ProductImage
from catalog.representation import thumbnail_url
from recommender.admin.deleting import DeletesDerivedRows
from recommender.admin.jobs import MAY_ASK, ask_again
from recommender.admin.known_photos import told_of_known
from recommender.admin.photos import EmbeddedPhotoInline, state_of
from recommender.admin.placeholders import rule_on
from recommender.admin.similar import similar_items
from recommender.admin.similar_rules import MAY_RULE, obey
from recommender.models import EmbeddingJob, Placeholder
from recommender.pipeline import jobs

_ON_ITS_WAY = (EmbeddingJob.State.PENDING, EmbeddingJob.State.PROCESSING)
_IMAGE_ID = re.compile(r"[0-9]{1,18}")


class RecommendingProductAdmin(DeletesDerivedRows, ProductAdmin):
    change_form_template = "admin/recommender/product/change_form.html"
    inlines = [EmbeddedPhotoInline if inline is ProductImageInline else inline for inline in ProductAdmin.inlines]
    actions = [*ProductAdmin.actions, "embed_again"]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path("<int:product_id>/again/", view(require_POST(self.again)), name="recommender_embed_product_again"),
            path("<int:product_id>/ruled/", view(require_POST(self.ruled)), name="recommender_rule_on_photo"),
            path("<int:product_id>/rules/", view(require_POST(self.rules)), name="recommender_rule_similar"),
            path("<int:product_id>/similar/", view(require_safe(self.similar)), name="recommender_similar_items"),
        ]
        return ours + super().get_urls()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        product = kwargs.get("obj")
        if product is not None:
            similar = similar_items(product.pk, request.GET)
            context |= {"similar": similar, "may_ask": request.user.has_perm(MAY_ASK)}
            context |= {"may_rule": request.user.has_perm(MAY_RULE)}
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    def response_change(self, request: HttpRequest, obj: Product) -> HttpResponse:
        """The buttons at the photos are of the form itself: what else was edited is saved first, and not lost."""
        if "_embed" in request.POST:
            self._embed(request, obj.pk, request.POST["_embed"])
        elif "_rule" in request.POST:
            self._rule(request, obj.pk, *request.POST["_rule"].partition(" ")[::2])
        else:
            return super().response_change(request, obj)
        return redirect("admin:catalog_product_change", obj.pk)

    def again(self, request: HttpRequest, product_id: int) -> HttpResponse:
        """Embed the photos of a product again, or the one that `image` names."""
        get_object_or_404(Product, pk=product_id)
        self._embed(request, product_id, request.GET.get("image", ""))
        return self._done(request, product_id)

    def ruled(self, request: HttpRequest, product_id: int) -> HttpResponse:
        """Rule whether the photo that `image` names is a placeholder: `ruling` is a value of Placeholder.Ruling."""
        self._rule(request, product_id, request.GET.get("image", ""), request.GET.get("ruling", ""))
        return self._done(request, product_id)

    def rules(self, request: HttpRequest, product_id: int) -> HttpResponse:
        """What a button beside a similar item says."""
        obey(request, get_object_or_404(Product, pk=product_id))
        return self._done(request, product_id)

    def _embed(self, request: HttpRequest, product_id: int, image: str) -> None:
        """`image`: the id of one of the product's photos; anything but a number: all of them."""
        if image and image != "all" and not _IMAGE_ID.fullmatch(image):
            raise Http404(f"no photo has the id {image[:40]!r}")
        of_product = EmbeddingJob.objects.filter(image__product=product_id)
        ask_again(request, of_product.filter(image=int(image)) if image.isdigit() else of_product)

    def _rule(self, request: HttpRequest, product_id: int, image: str, ruling: str) -> None:
        if not _IMAGE_ID.fullmatch(image) or ruling not in Placeholder.Ruling.values:
            raise Http404(f"no photo has the id {image[:40]!r}, or {ruling[:40]!r} is no ruling")
        photo = get_object_or_404(ProductImage, pk=int(image), product=product_id)
        rule_on(request, [photo.digest], Placeholder.Ruling(ruling))

    def _done(self, request: HttpRequest, product_id: int) -> HttpResponse:
        """The page again; for its script, which leaves the page as it is, what there is to say."""
        if request.headers.get("Accept") == "application/json":
            return JsonResponse(
                {
                    "told": [
                        {"level": one.level_tag, "html": conditional_escape(one.message)}
                        for one in get_messages(request)
                    ]
                }
            )
        return redirect("admin:catalog_product_change", product_id)

    def similar(self, request: HttpRequest, product_id: int) -> JsonResponse:
        """The parts of the page that change while it is open: similar items, and the states of the photos."""
        product = get_object_or_404(Product, pk=product_id)
        items = similar_items(product_id, request.GET)
        photos = {image.pk: image.digest for image in product.images.all()}
        states = jobs.photo_states(list(photos))
        context = {"similar": items, "original": product, "may_rule": request.user.has_perm(MAY_RULE)}
        html = render_to_string("admin/recommender/product/similar.html", context, request)
        return JsonResponse(
            {
                "pending": items.status == "pending" or any(one.state in _ON_ITS_WAY for one in states.values()),
                "similar": html,
                "states": {image_id: state_of(state) for image_id, state in states.items()},
                "thumbnails": {image_id: thumbnail_url(digest) for image_id, digest in photos.items() if digest},
            }
        )

    def told_of(self, product: Product | None, uploads: Sequence[Upload]) -> list[tuple[str, SafeString]]:
        """Which of the new photos the catalogue has already."""
        return [*super().told_of(product, uploads), *told_of_known(product, uploads)]

    @admin.action(description="Embed the photos of selected products again", permissions=["change"])
    def embed_again(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        ask_again(request, EmbeddingJob.objects.filter(image__product__in=list(queryset.values_list("pk", flat=True))))

    class Media:
        js = [Script("recommender/product.js", type="module")]


admin.site.unregister(Product)
admin.site.register(Product, RecommendingProductAdmin)
