"""Photos in the form of a product: what is wrong with one is said of that one, and costs no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.forms.models import BaseInlineFormSet
from django.utils.safestring import SafeString

from catalog.admin.uploads import ACCEPT, Upload, kept_upload, of_token
from catalog.models import Product, ProductImage
from catalog.photos import store
from catalog.photos.fetch import FetchRefused, PhotoFetcher
from catalog.photos.store import DuplicatePhoto, KeptPhoto
from catalog.representation import photo_url, thumbnail_url

if TYPE_CHECKING:
    PhotoModelForm = forms.ModelForm[ProductImage]
    InlineFormSet = BaseInlineFormSet[ProductImage, Product, Any]
else:
    PhotoModelForm = forms.ModelForm
    InlineFormSet = BaseInlineFormSet


class PhotoForm(PhotoModelForm):
    """One photo of a product; another file replaces its pixels."""

    file = forms.FileField(label="Replace", widget=forms.FileInput(attrs={"accept": ACCEPT}))
    position = forms.IntegerField(
        label="Place", required=False, min_value=0, help_text="0 is the main photo; empty: last."
    )

    class Meta:
        model = ProductImage
        fields = ["file", "alt", "position"]
        labels = {"alt": "Alternative text"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.upload: Upload | None = None
        self.kept: KeptPhoto | None = None
        self.digest_before = self.instance.digest
        if self.instance.pk is None:
            self.initial.pop("position", None)
        elif not self.instance.file:
            self.fields["file"].required = False  # a worker is about to fetch it

    @property
    def thumbnail(self) -> str:
        """Its address; "" of a photo that is still to be sent or fetched."""
        return thumbnail_url(self.instance.digest) if self.instance.pk and self.instance.digest else ""

    @property
    def photo(self) -> str:
        """The address of what is served of it, as large as it is; "" as above."""
        return photo_url(self.instance.digest, str(self.instance.file)) if self.thumbnail else ""

    @property
    def footer(self) -> SafeString:
        """What stands below the photo in the page; for a subclass that knows more of it."""
        return SafeString()

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
    """Several photos at once. Gives pairs of upload and stored photo; files that are no photos are left out, and `refused` by
    the form with a text each. Only where the storage fails there is an error: then no photo is lost by saving without it."""

    widget = PhotosInput(attrs={"accept": ACCEPT})

    def clean(self, data: Any, initial: Any = None) -> list[tuple[Upload, KeptPhoto | ValidationError]]:
        uploads = data if isinstance(data, (list, tuple)) else [data]
        found: list[tuple[Upload, KeptPhoto | ValidationError]] = []
        for upload in filter(None, uploads):
            try:
                found.append((upload, kept_upload(super().clean(upload, initial))))
            except ValidationError as error:
                found.append((upload, error))
        if failed := [one for _, one in found if isinstance(one, ValidationError) and one.code == "storage"]:
            raise ValidationError(failed)
        return found


class KeptPhotosField(forms.Field):
    """Photos that were sent and stored before, by their tokens; those that are kept no longer are left out."""

    widget = forms.MultipleHiddenInput

    def clean(self, value: Any) -> list[tuple[str, KeptPhoto]]:
        found = []
        for token in value or []:
            try:
                found.append(of_token(token))
            except ValidationError:
                continue
        return found


class PhotoUrlField(forms.URLField):
    """Where a worker shall fetch a photo."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(assume_scheme="https", max_length=2000, **kwargs)

    def clean(self, value: Any) -> str:
        url: str = super().clean(value)
        if url:
            try:
                PhotoFetcher().check(url)
            except FetchRefused as error:
                raise ValidationError(f"{error}; give the photo's public address", code="url") from error
        return url
