"""The shop's catalogue: a category tree, products with their variant group, photos by content."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from treebeard.mp_tree import MP_Node

from catalog.storage_names import feed_name, photo_name

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager


class Category(MP_Node):
    """A node of the category tree; `slug` is unique in the whole tree and is what the API takes."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=255, unique=True, allow_unicode=True)
    node_order_by = ["name"]

    class Meta:
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return str(self.name)


class Product(models.Model):
    """One sellable item. Products of one `group` are variants: they share photos and fill one place in an answer.

    `price` is what is paid now, which filters compare. While a sale is on, `list_price` is the price without it; `sale_price`
    with its dates is kept for a sale that is on or is yet to begin. catalog.sales says how they go together.

    Postgres keeps copies of its own for filters, by triggers (migration 0003): `folded_brand` and `folded_attributes` in NFC and
    without case, and AttributeNumber. Whoever writes `brand` or `attributes`, by whatever means, need not think of them.
    """

    sku = models.CharField(max_length=200, unique=True)
    group = models.CharField(
        max_length=200,
        blank=True,
        db_index=True,
        db_column="variant_group",
        help_text="Variants share a group; empty: none.",
    )
    title = models.CharField(max_length=500)
    description = models.TextField(blank=True)
    category = models.ForeignKey(
        Category, null=True, blank=True, on_delete=models.SET_NULL, related_name="products", db_index=False
    )
    brand = models.CharField(max_length=200, blank=True)
    price = models.DecimalField(
        max_digits=13,
        decimal_places=3,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
        db_column="amount",
    )
    list_price = models.DecimalField(
        max_digits=13,
        decimal_places=3,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
        help_text="The price without the sale, while there is one.",
    )
    sale_price = models.DecimalField(
        max_digits=13,
        decimal_places=3,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
        help_text="The price of a sale, now or later.",
    )
    sale_from = models.DateTimeField(null=True, blank=True)
    sale_until = models.DateTimeField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    in_stock = models.BooleanField(default=True)
    url = models.URLField(max_length=2000, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    published = models.BooleanField(default=True)
    withdrawn = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Hidden because its feeds name it no more; shown again by the next one that does.",
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Hidden from this moment on.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    images: RelatedManager[ProductImage]

    class Meta:
        ordering = ["id"]
        # A search reads of the products that pass a filter only what stands in the index itself.
        indexes = [
            *(
                models.Index(fields=fields, include=["id", "group", "published"], name=name)
                for fields, name in (
                    (["category"], "product_by_category"),
                    (["currency", "price"], "product_by_currency_amount"),
                )
            ),
            models.Index(
                fields=["sale_from"],
                condition=Q(sale_price__isnull=False, list_price__isnull=True),
                name="product_sale_begins",
            ),
            models.Index(
                fields=["sale_until"],
                condition=Q(list_price__isnull=False, sale_until__isnull=False),
                name="product_sale_ends",
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(published=True, expires_at__isnull=False),
                name="product_expires",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(price__gte=0) | Q(price__isnull=True), name="product_amount_not_negative"
            )
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.sku})"


class ProductCategory(models.Model):
    """A category of a product besides the one that is shown: filters find it there, too.

    Rows are removed by Postgres with their product or category.
    """

    pk = models.CompositePrimaryKey("category_id", "product_id")
    product = models.ForeignKey(Product, on_delete=models.DO_NOTHING, related_name="+")
    category = models.ForeignKey(Category, on_delete=models.DO_NOTHING, related_name="+", db_index=False)

    class Meta:
        verbose_name_plural = "further categories"

    def __str__(self) -> str:
        return f"product {self.product_id} in category {self.category_id}"


class AttributeNumber(models.Model):
    """A number among a product's attributes, under the attribute's folded name, so that ranges are found by an index.

    Postgres alone writes it, by a trigger on Product, and removes it with its product.
    """

    pk = models.CompositePrimaryKey("product_id", "name", "value")
    product = models.ForeignKey(Product, on_delete=models.DO_NOTHING, related_name="+", db_index=False)
    name = models.TextField()
    value = models.FloatField()

    class Meta:
        indexes = [models.Index(fields=["name", "value"], include=["product"], name="attribute_number_by_value")]

    def __str__(self) -> str:
        return f"{self.name} {self.value:g} of product {self.product_id}"


class Feed(models.Model):
    """A named source of products. A product belongs to the feeds that name it (FeedProduct).

    `runs`: how many imports of it were begun, which numbers them. `last_whole`: the number of the last one that was read to
    its end: a product that was named in none since then is named by this feed no more.

    One with a URL or an uploaded file is read by the workers, when it is due (`due_at`). Whoever reads it, a worker or the
    command, holds its lease (catalog.feeds.leases).
    """

    class Schedule(models.TextChoices):
        BY_HAND = "hand", "by hand"
        MINUTES = "minutes", "every so many minutes"
        HOURS = "hours", "every so many hours"
        DAILY = "daily", "daily at a time"

    name = models.CharField(max_length=500, unique=True)
    url = models.CharField("URL", max_length=2000, blank=True, default="", db_default="")
    upload = models.FileField("file", upload_to=feed_name, max_length=255, blank=True, default="", db_default="")
    mapping = models.TextField(blank=True, default="", db_default="")
    currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    schedule = models.CharField(
        max_length=10, choices=Schedule, default=Schedule.BY_HAND, db_default=Schedule.BY_HAND.value
    )
    every = models.PositiveIntegerField(null=True, blank=True)
    at = models.TimeField(null=True, blank=True)
    unpublish_missing = models.BooleanField("hide what is missing", default=False, db_default=False)
    scheduled_at = models.DateTimeField(
        null=True, editable=False, help_text="Since when it has had the schedule that it has."
    )
    due_at = models.DateTimeField("next read", null=True, editable=False)
    forced_by = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Who wants the next run to hide what is missing, however much that is.",
    )
    read_at = models.DateTimeField("last read to its end", null=True, editable=False)
    runs = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    last_whole = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    lease = models.BigIntegerField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(url="") | Q(upload=""), name="feed_of_one_source"),
            models.CheckConstraint(
                condition=Q(schedule="hand", every=None, at=None)
                | Q(schedule__in=["minutes", "hours"], every__isnull=False, every__gt=0, at=None)
                | Q(schedule="daily", every=None, at__isnull=False),
                name="feed_schedule_whole",
            ),
        ]

    def __str__(self) -> str:
        return str(self.name)


class FeedRun(models.Model):
    """One reading of a feed: how far it is, and at its end its report.

    `whole`: it was read to its end, and nothing that it asks for was refused. `problems` holds the first ones, each as
    [line, place, reason]; `problem_count` counts all. `position` and `size`: bytes read, of how many (0: unknown). `error`: why
    the feed as a whole could not be read.
    """

    class State(models.TextChoices):
        RUNNING = "running", "running"
        ENDED = "ended", "ended"
        FAILED = "failed", "failed"
        STOPPED = "stopped", "stopped by request"
        BROKEN = "broken", "broken off: its process ended"

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="history")
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    whole = models.BooleanField("read to its end", default=False)
    position = models.PositiveBigIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)
    rows = models.PositiveBigIntegerField(default=0)
    created = models.PositiveBigIntegerField(default=0)
    updated = models.PositiveBigIntegerField(default=0)
    unchanged = models.PositiveBigIntegerField(default=0)
    photos_added = models.PositiveBigIntegerField(default=0)
    photos_removed = models.PositiveBigIntegerField(default=0)
    hidden = models.PositiveBigIntegerField(default=0)
    problem_count = models.PositiveBigIntegerField("problems", default=0)
    problems = models.JSONField(default=list)
    notices = models.JSONField(default=list)
    error = models.TextField(blank=True)
    forced_by = models.CharField(
        "hides however many by order of", max_length=200, blank=True, default="", db_default=""
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["feed"], condition=Q(state="running"), name="one_running_import_a_feed")
        ]

    def __str__(self) -> str:
        return f"{self.feed} at {self.began_at:%Y-%m-%d %H:%M}"


class FeedProduct(models.Model):
    """A product that a feed names or named, and whether the feed says that it is to be hidden (None: it never said).

    `named_in`: the number of the import that named it last. Rows are removed by Postgres with their feed or product.
    """

    pk = models.CompositePrimaryKey("feed_id", "product_id")
    feed = models.ForeignKey(Feed, on_delete=models.DO_NOTHING, related_name="+", db_index=False)
    product = models.ForeignKey(Product, on_delete=models.DO_NOTHING, related_name="+")
    named_in = models.PositiveBigIntegerField()
    off = models.BooleanField(null=True)

    def __str__(self) -> str:
        return f"product {self.product_id} of feed {self.feed_id}"


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
