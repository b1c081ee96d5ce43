"""Admin pages whose edits are kept, and the page that shows them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern

from catalog.changes.timeline import timeline
from catalog.edit_history import edited_by

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = admin.ModelAdmin


class KeepsHistory(Base):
    """An admin of a model with an EditHistory: whatever its pages write is an edit of the user. It comes first among the bases."""

    object_history_template = "admin/catalog/edit_history.html"

    def get_urls(self) -> list[URLPattern]:
        patterns: list[URLPattern] = super().get_urls()
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                pattern.callback = _edited_by_user(pattern.callback)
        return patterns

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Each edit with the values that it changed."""
        key = unquote(object_id)
        entries = timeline(self.model, int(key)) if key.isascii() and key.isdecimal() and len(key) < 19 else []
        return super().history_view(request, object_id, {"timeline": entries, **(extra_context or {})})


def _edited_by_user(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with edited_by(lambda: request.user.pk):
            return view(request, *args, **kwargs)

    return wrapped
