"""Rules of merchandisers: what a person decided about answers, over what looks alike."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Literal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from catalog.edit_history import EditHistory
from catalog.models import Category, Product

LAST_PLACE = 100  # of the longest page that a search gives
MOST_FACTOR = 10.0


class Rule(models.Model):
    """One decision about the answers to some questions: for what is asked (`scope`), what to do (`kind`), with which products
    (`target`).

    `scope`: by which products a search must ask for the rule to concern it; everywhere: also searches by a photo or a colour.
    `target`: the products that are pinned, hidden, boosted or buried. An attribute has the value, whatever its case; a price
    band is in per cent of the price of the product that asks, so that 80 to 120 is a fifth less to a fifth more.
    `place`: of a pin, 1 is the first. `factor`: by what a boost or bury multiplies scores.
    A rule is in force while it is enabled, from `starts_at` on and until `ends_at`.
    `before`: the fields that the last change replaced, for undoing it; `enabled: false` alone for a rule that is as it was made.

    `recommender.merchandising.rules.editing` is the one way to write rules.
    """

    class Kind(models.TextChoices):
        PIN = "pin", "pin at a place"
        HIDE = "hide", "never show"
        BOOST = "boost", "boost"
        BURY = "bury", "bury"
        SAME_CATEGORY = "same_category", "same category only"
        STOCK_FIRST = "stock_first", "in stock first"
        STOCK_ONLY = "stock_only", "in stock only"

    class Scope(models.TextChoices):
        PRODUCT = "product", "a product"
        CATEGORY = "category", "a category and those below it"
        BRAND = "brand", "a brand"
        EVERYWHERE = "everywhere", "everywhere"

    class Target(models.TextChoices):
        NOTHING = "", "nothing in particular"
        PRODUCT = "product", "a product"
        ATTRIBUTE = "attribute", "an attribute's value"
        BRAND = "brand", "a brand"
        PRICE = "price", "a price band"

    kind = models.CharField(max_length=13, choices=Kind)
    scope = models.CharField("for", max_length=10, choices=Scope, default=Scope.EVERYWHERE)
    for_product = models.ForeignKey(Product, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    for_category = models.ForeignKey(Category, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    for_brand = models.CharField(max_length=200, blank=True, default="")
    target = models.CharField("which", max_length=9, choices=Target, blank=True, default=Target.NOTHING)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    attribute = models.CharField(max_length=200, blank=True, default="", help_text="Its name, such as colour.")
    value = models.CharField(max_length=500, blank=True, default="", help_text="Such as red.")
    brand = models.CharField(max_length=200, blank=True, default="")
    price_from = models.PositiveIntegerField(
        "from, in % of the price", null=True, blank=True, help_text="Of the product that is looked at. Empty: no bound."
    )
    price_to = models.PositiveIntegerField("to, in % of the price", null=True, blank=True)
    place = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(LAST_PLACE)], help_text="1 is first."
    )
    factor = models.FloatField(
        null=True,
        blank=True,
        help_text="Scores are multiplied by it: above 1 for a boost, between 0 and 1 for a bury.",
    )
    starts_at = models.DateTimeField("from", null=True, blank=True, help_text="Empty: at once.")
    ends_at = models.DateTimeField("until", null=True, blank=True, help_text="Empty: until it is switched off.")
    enabled = models.BooleanField("switched on", default=True)
    reason = models.CharField(max_length=500, blank=True, default="", help_text="Why, for whoever meets it later.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    changed_at = models.DateTimeField(auto_now=True)
    before = models.JSONField(default=dict, blank=True, editable=False)
    edits = EditHistory(excluded_fields=["created_by", "created_at", "changed_by", "changed_at", "before"])

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="pin") | Q(place__gte=1, place__lte=LAST_PLACE, product__isnull=False),
                name="a_pin_has_a_place_and_a_product",
            ),
            models.CheckConstraint(
                condition=Q(factor__isnull=True) | Q(factor__gt=0, factor__lte=MOST_FACTOR),
                name="factor_above_zero_and_bounded",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="a_rule_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.done} {self.asked_for}"

    @property
    def done(self) -> str:
        """What it does, in words: "pin Red dress (D-1) at 2"."""
        kind = self.Kind(self.kind)
        if kind == self.Kind.PIN:
            return f"pin {self.targeted} at place {self.place}"
        if kind in TARGETED:
            factor = "" if self.factor is None else f" × {self.factor:g}"
            return f"{kind.label} {self.targeted}{factor}"
        return str(kind.label)

    @property
    def targeted(self) -> str:
        """Its target in words."""
        match self.target:
            case self.Target.PRODUCT:
                return str(self.product)
            case self.Target.ATTRIBUTE:
                return f"{self.attribute} {self.value}"
            case self.Target.BRAND:
                return f"brand {self.brand}"
            case self.Target.PRICE:
                least = "" if self.price_from is None else f"from {self.price_from} % "
                most = "" if self.price_to is None else f"to {self.price_to} % "
                return f"products {least}{most}of the price"
        return "nothing"

    @property
    def asked_for(self) -> str:
        """Its scope in words."""
        match self.scope:
            case self.Scope.PRODUCT:
                return f"for {self.for_product}"
            case self.Scope.CATEGORY:
                return f"in {self.for_category} and below"
            case self.Scope.BRAND:
                return f"for brand {self.for_brand}"
        return "everywhere"

    def clean(self) -> None:
        """Raises ValidationError naming the field, and empties the fields that its kind, scope and target have no use for."""
        if self.kind not in self.Kind.values or self.scope not in self.Scope.values:
            return  # full_clean names these itself
        self._clean_scope()
        self._clean_target()
        self._clean_numbers()
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            raise ValidationError({"ends_at": "it must end after it starts"})

    def state_at(self, now: datetime) -> Literal["in force", "off", "planned", "over"]:
        """In a word: whether it is in force, or why not."""
        if not self.enabled:
            return "off"
        if self.ends_at is not None and self.ends_at <= now:
            return "over"
        return "planned" if self.starts_at is not None and self.starts_at > now else "in force"

    def _clean_scope(self) -> None:
        given = {"product": self.for_product_id, "category": self.for_category_id, "brand": self.for_brand.strip()}
        if self.scope in given and not given[self.scope]:
            raise ValidationError({f"for_{self.scope}": f"name the {self.scope} that the rule is for"})
        self.for_product_id = self.for_product_id if self.scope == self.Scope.PRODUCT else None
        self.for_category_id = self.for_category_id if self.scope == self.Scope.CATEGORY else None
        self.for_brand = self.for_brand.strip() if self.scope == self.Scope.BRAND else ""

    def _clean_target(self) -> None:
        if self.kind not in TARGETED:
            self.target = self.Target.NOTHING
        elif self.kind == self.Kind.PIN:
            self.target = self.Target.PRODUCT
        elif not self.target:
            raise ValidationError(
                {"target": f"say what to {self.kind}: a product, an attribute, a brand or a price band"}
            )
        of_target = {"product": "product_id", "attribute": "attribute", "brand": "brand"}
        if self.target in of_target and not str(getattr(self, of_target[self.target]) or "").strip():
            raise ValidationError({self.target: f"name the {self.target}"})
        if self.target == self.Target.ATTRIBUTE and not self.value.strip():
            raise ValidationError({"value": "name the value of the attribute"})
        self.product_id = self.product_id if self.target == self.Target.PRODUCT else None
        self.attribute = self.attribute.strip() if self.target == self.Target.ATTRIBUTE else ""
        self.value = self.value.strip() if self.target == self.Target.ATTRIBUTE else ""
        self.brand = self.brand.strip() if self.target == self.Target.BRAND else ""
        self._clean_band()
        if self.product_id is not None and self.product_id == self.for_product_id:
            raise ValidationError({"product": "no product is answered to a search for itself; choose another one"})

    def _clean_band(self) -> None:
        if self.target != self.Target.PRICE:
            self.price_from = self.price_to = None
        elif self.price_from is None and self.price_to is None:
            raise ValidationError({"price_from": "a bound of the price band is needed, in per cent, or both"})
        elif self.price_from is not None and self.price_to is not None and self.price_from > self.price_to:
            raise ValidationError({"price_to": f"it must not be less than {self.price_from}"})

    def _clean_numbers(self) -> None:
        if self.kind != self.Kind.PIN:
            self.place = None
        elif self.place is None:
            raise ValidationError({"place": f"a place from 1 to {LAST_PLACE} is needed"})
        bounds = {self.Kind.BOOST: (1.0, MOST_FACTOR), self.Kind.BURY: (0.0, 1.0)}.get(self.Kind(self.kind))
        if bounds is None:
            self.factor = None
        elif self.factor is None or not (math.isfinite(self.factor) and bounds[0] < self.factor <= bounds[1]):
            raise ValidationError(
                {"factor": f"a {self.kind} needs a factor above {bounds[0]:g}, {bounds[1]:g} at most"}
            )


TARGETED = frozenset({Rule.Kind.PIN, Rule.Kind.HIDE, Rule.Kind.BOOST, Rule.Kind.BURY})
