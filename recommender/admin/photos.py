"""What the recommender adds to each photo in a product's form: how far it is embedded, and what can be asked of it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from catalog.admin import ProductImageInline
from catalog.admin.photo_forms import PhotoForm
from recommender.admin.jobs import MAY_ASK
from recommender.admin.placeholders import MAY_RULE
from recommender.models import PlaceholderFile
from recommender.pipeline import jobs


def state_of(state: jobs.PhotoState) -> SafeString:
    """A photo's state as the admin shows it; a photo without a job waits for a space that wants it."""
    return render_to_string("admin/recommender/product/state.html", {"state": state, "name": state.state or "pending"})


class EmbeddedPhotoForm(PhotoForm):
    """`may_ask`, `may_rule`: whether the person may have a photo embedded again, and call it a placeholder."""

    may_ask = may_rule = False

    @property
    def footer(self) -> SafeString:
        image = self.instance
        if image.pk is None:
            return SafeString()
        file = PlaceholderFile.objects.select_related("placeholder").filter(digest=image.digest).first()
        context = {
            "image": image,
            "state": state_of(jobs.photo_state(image.pk)),
            "placeholder": file.placeholder if file is not None else None,
            "may_ask": self.may_ask,
            "may_rule": self.may_rule,
        }
        return render_to_string("admin/recommender/product/embedding.html", context)


class EmbeddedPhotoInline(ProductImageInline):
    form = EmbeddedPhotoForm

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Its form is a class made for this request."""
        formset: Any = super().get_formset(request, obj, **kwargs)
        formset.form.may_ask = request.user.has_perm(MAY_ASK)
        formset.form.may_rule = request.user.has_perm(MAY_RULE)
        return formset
