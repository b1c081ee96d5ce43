"""The form of a feed: what is wrong with a field stands there when it is saved, and not in a report at night."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from catalog.currencies import read_code
from catalog.feeds.formats.addresses import feed_fetcher
from catalog.feeds.mapping.files import MAX_BYTES, MappingError, parse_mapping
from catalog.feeds.schedule import reschedule
from catalog.feeds.sources import SourceError, check_name
from catalog.models import Feed
from catalog.photos.fetch import FetchRefused
from catalog.photos.storage_errors import StorageUnavailable
from catalog.storage_names import feed_name

if TYPE_CHECKING:
    FeedModelForm = forms.ModelForm[Feed]
else:
    FeedModelForm = forms.ModelForm

_MOST = 10_000  # of minutes a week, of hours more than a year
_SCHEDULE = ("schedule", "every", "at")


class FeedForm(FeedModelForm):
    """Saves a new upload to the storage once everything else is found right."""

    every = forms.IntegerField(required=False, min_value=1, max_value=_MOST, help_text="Of so many minutes or hours.")

    class Meta:
        model = Feed
        fields = ["name", "url", "upload", "mapping", "currency", *_SCHEDULE, "unpublish_missing"]
        widgets = {
            "name": forms.TextInput(attrs={"size": 60}),
            "url": forms.TextInput(attrs={"size": 80}),
            "mapping": forms.Textarea(attrs={"rows": 8, "cols": 80, "spellcheck": "false"}),
            "currency": forms.TextInput(attrs={"size": 4}),
        }
        help_texts = {
            "name": "What it is called here; its products belong to this name.",
            "url": "http or https. It is fetched anew each time.",
            "upload": "In place of a URL.",
            "mapping": "Which column is which, in TOML, for a feed that is not recognised: docs/feeds.md. Empty: as it is found.",
            "currency": "Of prices that name none, such as EUR.",
            "at": f"The time of the day, in {timezone.get_default_timezone_name()}, such as 03:30.",
            "unpublish_missing": "Hide the products that no feed names any more, after a run that was read to its end.",
        }

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        try:
            check_name(name)
        except SourceError as error:
            raise ValidationError(str(error)) from error
        return name

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if url:
            try:
                feed_fetcher().check(url)
            except FetchRefused as error:
                raise ValidationError(f"{error}; give the feed's public address") from error
        return url

    def clean_mapping(self) -> str:
        mapping: str = self.cleaned_data["mapping"]
        if len(mapping.encode()) > MAX_BYTES:
            raise ValidationError(f"more than {MAX_BYTES:,} bytes; it is no mapping")
        if mapping.strip():
            try:
                parse_mapping(mapping)
            except MappingError as error:
                raise ValidationError(str(error)) from error
        return mapping

    def clean_currency(self) -> str:
        currency: str = self.cleaned_data["currency"]
        try:
            return currency and read_code(currency)
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        self._check_source(given)
        self._check_schedule(given)
        return given

    def _check_source(self, given: dict[str, Any]) -> None:
        if {"url", "upload"} & set(self.errors):
            return
        if given.get("url") and given.get("upload"):
            self.add_error("url", "a feed has a URL or a file; clear one of them")
        elif not given.get("url") and not given.get("upload"):
            if self.instance.pk is None:
                self.add_error("url", "give the feed's URL, or upload its file")
            elif given.get("schedule") != Feed.Schedule.BY_HAND:
                self.add_error("url", "a feed that is read by schedule needs a URL, or a file")

    def _check_schedule(self, given: dict[str, Any]) -> None:
        if set(_SCHEDULE) & set(self.errors):
            return
        by_count = given["schedule"] in (Feed.Schedule.MINUTES, Feed.Schedule.HOURS)
        daily = given["schedule"] == Feed.Schedule.DAILY
        if by_count and given["every"] is None:
            self.add_error("every", f"say of how many {given['schedule']}, such as 15")
        if not by_count and given["every"] is not None:
            self.add_error("every", "clear it, or choose a schedule of minutes or hours")
        if daily and given["at"] is None:
            self.add_error("at", "say at which time, such as 03:30")
        if not daily and given["at"] is not None:
            self.add_error("at", "clear it, or choose the daily schedule")

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # the stubs leave it out
        if self.errors:
            return
        upload = self.cleaned_data["upload"]
        if isinstance(upload, UploadedFile):
            try:
                self.instance.upload = default_storage.save(feed_name(self.instance, upload.name or ""), upload)
            except (OSError, StorageUnavailable) as error:
                self.add_error("upload", f"it could not be stored ({error}); try again later")
        if self.instance.pk is None or set(_SCHEDULE) & set(self.changed_data):
            reschedule(self.instance, timezone.now())
