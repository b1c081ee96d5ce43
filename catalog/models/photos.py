"""Photos of products, by content, and where they were fetched."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from catalog.models.products import Product
from catalog.storage_names import photo_name

LARGEST_POSITION = 2**31 - 1


class ProductImage(models.Model):
    """One photo of a product. The file is named by its content, so identical files are stored once.

    A photo given by `source_url` has neither file nor digest until a worker has fetched it. Where a feed names that one
    instead of a stored photo, it is the stored one's `successor`: the stored one is shown until the successor is stored.
    """

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="images")
    file = models.ImageField(upload_to=photo_name, blank=True, max_length=255)
    digest = models.CharField(
        max_length=64, blank=True, db_index=True, editable=False, help_text="SHA-256 of the file."
    )
    source_url = models.URLField(max_length=2000, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True, editable=False)
    height = models.PositiveIntegerField(null=True, blank=True, editable=False)
    position = models.PositiveIntegerField(default=0)
    alt = models.CharField(max_length=500, blank=True)
    successor = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.DO_NOTHING,
        db_constraint=False,  # a photo can be deleted without a look for those that wait for it
        db_index=False,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["product", "digest"], condition=~Q(digest=""), name="one_photo_a_product"),
            models.UniqueConstraint(
                fields=["product", "source_url"], condition=~Q(source_url=""), name="one_url_a_product"
            ),
        ]

    def __str__(self) -> str:
        return f"photo {self.pk} of product {self.product_id}"


class PhotoOrigin(models.Model):
    """What a server said of the photo that was fetched from its `source_url`, and when to ask it again whether it has changed.

    `due_at`: not before this moment; None: when a feed next names the photo. `whole`: fetch it whatever the server said.
    Rows are removed by Postgres with their photo.
    """

    image = models.OneToOneField(ProductImage, on_delete=models.DO_NOTHING, primary_key=True, related_name="+")
    etag = models.CharField(max_length=500, blank=True, default="", db_default="")
    last_modified = models.CharField(max_length=500, blank=True, default="", db_default="")
    length = models.PositiveBigIntegerField(null=True)
    due_at = models.DateTimeField(null=True)
    whole = models.BooleanField(default=False, db_default=False)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="photo_origin_due"),
        ]

    def __str__(self) -> str:
        return f"origin of photo {self.image_id}"
