"""Inputs of the admin that say what they are to who cannot see their place."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.widgets import AdminSplitDateTime


class LabelledDateTime(AdminSplitDateTime):
    """Django's two inputs for a moment, each with a name of its own."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        shown = name.rsplit("-", 1)[-1].replace("_", " ").capitalize()
        for part, widget in zip(("date", "time"), context["widget"]["subwidgets"], strict=True):
            widget["attrs"]["aria-label"] = f"{shown}, {part}"
        return context
