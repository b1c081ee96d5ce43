"""Forms of the product admin: photos are judged here, so that what is wrong with one stands at its field."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.forms.fields import InvalidJSONInput
from django.forms.models import BaseInlineFormSet
from django.utils import timezone
from treebeard.forms import movenodeform_factory

from catalog.attributes import MAX_DEPTH, UnusableAttribute, check_attributes, flat
from catalog.categories import free_slug
from catalog.identifiers import canonical_sku, sku_forms
from catalog.models import Category, Product, ProductImage
from catalog.photos import store
from catalog.photos.reading import EXTENSIONS, PhotoError
from catalog.photos.storage_errors import StorageUnavailable
from catalog.photos.store import DuplicatePhoto, KeptPhoto
from catalog.photos.uploads import keep_upload

if TYPE_CHECKING:
    ProductModelForm = forms.ModelForm[Product]
    PhotoModelForm = forms.ModelForm[ProductImage]
    InlineFormSet = BaseInlineFormSet[ProductImage, Product, Any]
else:
    ProductModelForm = PhotoModelForm = forms.ModelForm
    InlineFormSet = BaseInlineFormSet

Upload = Any  # an UploadedFile, with what was stored of it (`kept`) and the hashes of its picture (`hashes`)
# Browsers that do not know HEIC by its type know it by its suffix.
ACCEPT = ",".join([*(f"image/{name.lower()}" for name in EXTENSIONS if name != "MPO"), "image/heic", ".heic", ".heif"])


def keep_uploads(uploads: Iterable[Upload]) -> None:
    """Store the uploads before the transaction of the form begins; what is wrong with one is told by `kept_upload`."""
    for upload in uploads:
        upload.seek(0)
        try:
            stored = keep_upload(upload.read(settings.MAX_PHOTO_BYTES + 1))
            upload.kept, upload.hashes = stored.kept, stored.hashes
        except (PhotoError, StorageUnavailable) as error:
            upload.kept = error


def kept_upload(upload: Upload) -> KeptPhoto:
    """Raises ValidationError with the reason as its code."""
    if not hasattr(upload, "kept"):
        keep_uploads([upload])
    if isinstance(upload.kept, (PhotoError, StorageUnavailable)):
        code = upload.kept.reason if isinstance(upload.kept, PhotoError) else "storage"
        raise ValidationError(f"{upload.name}: {upload.kept}", code=code)
    kept: KeptPhoto = upload.kept
    return kept


class PhotoForm(PhotoModelForm):
    """One photo of a product; another file replaces its pixels."""

    file = forms.FileField(label="Photo", widget=forms.FileInput(attrs={"accept": ACCEPT}))
    position = forms.IntegerField(
        required=False, min_value=0, help_text="Empty: last.", widget=forms.NumberInput(attrs={"style": "width: 4.5em"})
    )

    class Meta:
        model = ProductImage
        fields = ["file", "alt", "position"]
        widgets = {"alt": forms.TextInput(attrs={"size": 28})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.upload: Upload | None = None
        self.kept: KeptPhoto | None = None
        self.digest_before = self.instance.digest
        if self.instance.pk is None:
            self.initial.pop("position", None)
        elif not self.instance.file:
            self.fields["file"].required = False  # a worker is about to fetch it

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if not isinstance(file, UploadedFile):
            return file
        self.kept = kept_upload(file)
        self.upload = file
        return self.kept.name

    def clean_position(self) -> int | None:
        position: int | None = self.cleaned_data["position"]
        return self.instance.position if position is None and self.instance.pk else position

    def _post_clean(self) -> None:
        """The digest comes before the file, so that the row is whole when it is validated."""
        if self.kept is not None:
            store.name_file(self.instance, self.kept)
            self.instance.source_url = ""
        self.appended = self.cleaned_data.get("position") is None
        if self.appended:
            self.cleaned_data["position"] = 0
        super()._post_clean()  # type: ignore[misc]  # private, and the one place between cleaning and construction


class PhotoFormSet(InlineFormSet):
    """All photos of a product; the same file twice is an error at the later one."""

    def clean(self) -> None:
        super().clean()
        seen = {form.digest_before for form in self.forms if form.digest_before}
        for form in self.forms:
            if form.kept is None or form.kept.digest == form.digest_before:
                continue
            if form.kept.digest in seen:
                form.add_error("file", ValidationError(str(DuplicatePhoto()), code="duplicate"))
            seen.add(form.kept.digest)

    def uploads(self) -> list[tuple[Upload, KeptPhoto]]:
        """What this submission names, for `photos.hold`."""
        deleted = self.deleted_forms
        return [(form.upload, form.kept) for form in self.forms if form.upload and form.kept and form not in deleted]


class PhotosInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class PhotosField(forms.FileField):
    """Several photos at once. Gives pairs of upload and stored photo; every bad file is named."""

    widget = PhotosInput(attrs={"accept": ACCEPT})

    def clean(self, data: Any, initial: Any = None) -> list[tuple[Upload, KeptPhoto]]:
        uploads = data if isinstance(data, (list, tuple)) else [data]
        kept: list[tuple[Upload, KeptPhoto]] = []
        errors: list[ValidationError] = []
        for upload in filter(None, uploads):
            try:
                kept.append((upload, kept_upload(super().clean(upload, initial))))
            except ValidationError as error:
                errors.append(error)
        if errors:
            raise ValidationError(errors)
        return kept


class AttributesField(forms.JSONField):
    """Names and values as JSON, laid flat. What can be written as JSON but not kept is an error that says so."""

    def to_python(self, value: Any) -> Any:
        """Raises ValidationError."""
        try:
            attributes = super().to_python(value)
        except RecursionError as error:
            message = f"This is nested too deeply to be read; {MAX_DEPTH} levels are enough."
            raise ValidationError(message, code="unusable") from error
        except ValueError as error:  # Python refuses to convert numbers of thousands of digits
            raise ValidationError("A number has too many digits; write it as text.", code="unusable") from error
        if attributes is None:
            return {}
        if not isinstance(attributes, dict):
            raise ValidationError('Write names and values: {"colour": "red"}', code="not_an_object")
        try:
            check_attributes(attributes)
        except UnusableAttribute as error:
            raise ValidationError(str(error), code="unusable") from error
        return flat(attributes)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was refused is shown again as it was written."""
        try:
            return self.to_python(data)
        except ValidationError:
            return InvalidJSONInput(data)


class PriceField(forms.DecimalField):
    """Shows two decimals, and a third one only where it is not 0."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Decimal):
            return f"{value:.2f}" if value == round(value, 2) else f"{value:.3f}"
        return value


class ProductForm(ProductModelForm):
    """A product, with a field for several new photos at once."""

    url = forms.URLField(required=False, assume_scheme="https", max_length=2000, label="URL")
    new_photos = PhotosField(required=False, label="Add photos", help_text="Several at once; they are put last.")

    class Meta:
        model = Product
        fields = "__all__"
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
        given: list[tuple[Upload, KeptPhoto]] = self.cleaned_data["new_photos"]
        rows = (
            ProductImage.objects.filter(product_id=self.instance.pk)
            if self.instance.pk
            else ProductImage.objects.none()
        )
        seen = set(rows.values_list("digest", flat=True))
        errors = []
        for upload, kept in given:
            if kept.digest in seen:
                errors.append(ValidationError(f"{upload.name}: {DuplicatePhoto()}", code="duplicate"))
            seen.add(kept.digest)
        if errors:
            raise ValidationError(errors)
        return given


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
