"""The form of a rule: products by SKU or number, categories as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from catalog.models import Category, Product
from recommender.models import Rule

if TYPE_CHECKING:
    Base = forms.ModelForm[Rule]
    Choice = forms.ModelChoiceField[Category]
else:
    Base, Choice = forms.ModelForm, forms.ModelChoiceField


class ProductField(forms.CharField):
    """A product by its SKU or, where no product has such a SKU, its number."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            required=False, max_length=200, help_text="Its SKU or number, as in the list of products.", **options
        )

    def prepare_value(self, value: Any) -> Any:
        """The SKU of the product of a kept rule, whose number is the initial value."""
        if not isinstance(value, int):
            return value
        return Product.objects.filter(pk=value).values_list("sku", flat=True).first() or value

    def clean(self, value: Any) -> Any:
        """The product; None where nothing is written. Raises ValidationError."""
        text = super().clean(value)
        if not text:
            return None
        product = Product.objects.filter(sku=text).first()
        if product is None and text.isascii() and text.isdigit() and len(text) < 19:
            product = Product.objects.filter(pk=int(text)).first()
        if product is None:
            raise forms.ValidationError(f"no product has the SKU or number {text!r}")
        return product


class CategoryChoice(Choice):
    """A category, indented by its depth in the tree."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{'– ' * (obj.depth - 1)}{obj.name}"


class MomentField(forms.DateTimeField):
    """A date and time in one labelled field of the browser's own, in the time zone of the admin."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S")
        super().__init__(required=False, widget=widget, **options)


class RuleForm(Base):
    for_product = ProductField(label="Product that is looked at")
    for_category = CategoryChoice(
        label="Category, and those below it", queryset=Category.objects.order_by("path"), required=False
    )
    product = ProductField(label="Product")
    starts_at = MomentField(label="From", help_text="Empty: at once.")
    ends_at = MomentField(label="Until", help_text="Empty: until it is switched off.")

    class Meta:
        model = Rule
        fields = [
            *("kind", "place", "factor", "target", "product", "attribute", "value", "brand", "price_from", "price_to"),
            *("scope", "for_product", "for_category", "for_brand", "starts_at", "ends_at", "reason", "enabled"),
        ]
