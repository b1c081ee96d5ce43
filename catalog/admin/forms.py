"""Forms of products and categories in the admin."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from treebeard.forms import movenodeform_factory

from catalog.admin.attribute_rows import AttributesField
from catalog.admin.photo_forms import KeptPhotosField, PhotosField, PhotoUrlField
from catalog.admin.uploads import Upload, shown_kept
from catalog.categories import free_slug
from catalog.identifiers import canonical_sku, sku_forms
from catalog.models import Category, Product, ProductImage
from catalog.photos.store import DuplicatePhoto, KeptPhoto

if TYPE_CHECKING:
    ProductModelForm = forms.ModelForm[Product]
else:
    ProductModelForm = forms.ModelForm


class PriceField(forms.DecimalField):
    """Shows two decimals, and a third one only where it is not 0."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Decimal):
            return f"{value:.2f}" if value == round(value, 2) else f"{value:.3f}"
        return value


class ProductForm(ProductModelForm):
    """A product with new photos: files, files that were sent before, and a URL. `refused`: what is said of files that were left
    out; the product is saved without them."""

    url = forms.URLField(required=False, assume_scheme="https", max_length=2000, label="URL")
    new_photos = PhotosField(required=False, label="Add photos")
    kept_photos = KeptPhotosField(required=False)
    new_photo_url = PhotoUrlField(required=False, label="Add a photo by its URL")

    class Meta:
        model = Product
        fields = "__all__"
        labels = {"sku": "SKU"}
        field_classes = {"attributes": AttributesField, "price": PriceField, "sale_price": PriceField}

    def clean(self) -> dict[str, Any] | None:
        """A product that is published again is withdrawn by no feed, and is hidden again at once where its time is over."""
        cleaned = super().clean()
        expires_at = self.cleaned_data.get("expires_at")
        if self.cleaned_data.get("published") and expires_at is not None and expires_at <= timezone.now():
            error = "This moment is over: empty it, or choose a later one, or do not publish the product."
            self.add_error("expires_at", ValidationError(error, code="over"))
        if "published" in self.changed_data:
            self.instance.withdrawn = False
        return cleaned

    def clean_sku(self) -> str:
        """Composed, as SKUs are kept; one of a version before that is not changed stays as it is."""
        if "sku" not in self.changed_data:
            return str(self.instance.sku)
        sku = canonical_sku(self.cleaned_data["sku"])
        if Product.objects.filter(sku__in=sku_forms(sku)).exclude(pk=self.instance.pk).exists():
            raise ValidationError("Product with this Sku already exists.", code="unique")
        return sku

    def clean_new_photos(self) -> list[tuple[Upload, KeptPhoto]]:
        """The files that are photos and new to the product."""
        self.refused: list[str] = []
        there = ProductImage.objects.filter(product_id=self.instance.pk) if self.instance.pk else []
        seen = {image.digest for image in there}
        found = []
        for upload, kept in self.cleaned_data["new_photos"]:
            if isinstance(kept, ValidationError):
                self.refused += kept.messages
            elif kept.digest in seen:
                self.refused.append(f"{upload.name}: {DuplicatePhoto()}")
            else:
                found.append((upload, kept))
                seen.add(kept.digest)
        return found

    @property
    def kept_shown(self) -> list[dict[str, str]]:
        """The new photos that a form with an error keeps, so that they need not be chosen again."""
        given = getattr(self, "cleaned_data", {})
        kept = [*given.get("kept_photos", ()), *((up.name, kept) for up, kept in given.get("new_photos", ()))]
        return [shown_kept(name, one) for name, one in kept]


class CategoryForm(movenodeform_factory(Category, exclude=["path", "depth", "numchild"])):  # type: ignore[misc]
    """A category; without a slug one is made of its name and those of its parents."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slug"].required = False
        self.fields["slug"].help_text = "What the API takes; empty: made of the name."

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if cleaned.get("name") and not cleaned.get("slug") and "slug" not in self.errors:
            parent = cleaned.get("treebeard_ref_node")
            above = [*Category.objects.get_ancestors(parent), parent] if parent else []
            cleaned["slug"] = free_slug((*(node.name for node in above), cleaned["name"]))
        return cleaned
