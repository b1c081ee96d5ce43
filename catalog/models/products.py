"""The category tree, and products with their variant group."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from treebeard.mp_tree import MP_Node

from catalog.edit_history import EditHistory

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

    from catalog.models.photos import ProductImage


class Category(MP_Node):
    """A node of the category tree; `slug` is unique in the whole tree and is what the API takes."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=255, unique=True, allow_unicode=True)
    node_order_by = ["name"]
    edits = EditHistory(excluded_fields=["path", "depth", "numchild"])

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
    group_decided = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="The group was decided by a person: imports keep it, whatever their feed says.",
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
    edits = EditHistory(excluded_fields=["group_decided", "created_at", "updated_at"])

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
