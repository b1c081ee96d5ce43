"""Inputs of the admin that say what they are and where they belong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime

from catalog.models import Category

if TYPE_CHECKING:
    CategoryChoiceField = forms.ModelChoiceField[Category]
else:
    CategoryChoiceField = forms.ModelChoiceField


class TreeChoiceField(CategoryChoiceField):
    """A category, each shown below its parent."""

    def label_from_instance(self, obj: Category) -> str:
        return f"{chr(0x2003) * (obj.depth - 1)}{obj.name}"


class LabelledDateTime(AdminSplitDateTime):
    """Django's two inputs for a moment, each with a name of its own."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        shown = name.rsplit("-", 1)[-1].replace("_", " ").capitalize()
        for part, widget in zip(("date", "time"), context["widget"]["subwidgets"], strict=True):
            widget["attrs"]["aria-label"] = f"{shown}, {part}"
        return context
