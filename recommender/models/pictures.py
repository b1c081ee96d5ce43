"""Pictures that look the same, and those that stand for many products."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, F, Value, When


class PhotoHash(models.Model):
    """The perceptual hashes of a photo file, by its digest: files that show the same picture differ by few bits."""

    digest = models.CharField(max_length=64, primary_key=True)
    hashes = ArrayField(
        models.BigIntegerField(), size=4, help_text="64 bits each: whole, mirrored, its middle, and that mirrored."
    )

    small = models.BinaryField(
        null=True, help_text="16 × 16 pixels of three bytes; empty until the file was compared with a near one."
    )

    def __str__(self) -> str:
        return f"hashes of {self.digest[:12]}"


class Placeholder(models.Model):
    """A picture that stands for many products and shows none, such as "image coming soon"; or one that a person ruled on.

    It is a placeholder if `ruling` says so or, where nobody ruled, if `found`. Its photos are in no index: they are neither
    queries nor answers.
    """

    class Ruling(models.TextChoices):
        NONE = "", "as found"
        PLACEHOLDER = "placeholder"
        PHOTO = "photo", "a photo like any other"

    digest = models.CharField(max_length=64, unique=True, help_text="Of the file that represents it.")
    groups = models.PositiveIntegerField(default=0, help_text="Variant groups that show it, when last counted.")
    found = models.BooleanField(default=False, help_text="On more variant groups than PLACEHOLDER_ABOVE_GROUPS.")
    ruling = models.CharField(max_length=12, choices=Ruling.choices, default=Ruling.NONE, blank=True)
    is_placeholder = models.GeneratedField(
        expression=Case(
            When(ruling=Ruling.PLACEHOLDER, then=Value(True)),
            When(ruling=Ruling.PHOTO, then=Value(False)),
            default=F("found"),
        ),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    created_at = models.DateTimeField(auto_now_add=True)
    counted_at = models.DateTimeField(
        null=True, blank=True, help_text="Empty: its files and groups were not looked for yet."
    )

    def __str__(self) -> str:
        return f"placeholder {self.digest[:12]}"


class PlaceholderFile(models.Model):
    """A photo file that shows the picture of a placeholder: the same file, or one as good as equal to it."""

    digest = models.CharField(max_length=64, primary_key=True)
    placeholder = models.ForeignKey(Placeholder, on_delete=models.CASCADE, related_name="files")
    withheld = models.BooleanField(
        default=False, help_text="The vectors of its photos were removed, to be made again if it is no placeholder."
    )

    def __str__(self) -> str:
        return f"file {self.digest[:12]} of placeholder {self.placeholder_id}"
