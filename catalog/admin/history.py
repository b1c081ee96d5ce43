"""Admin pages whose edits are kept, and the page that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse

from catalog.changes.timeline import timeline
from catalog.edit_history import edited_by

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = admin.ModelAdmin


class KeepsHistory(Base):
    """An admin of a model with an EditHistory: whatever these pages write is an edit of the user."""

    object_history_template = "admin/catalog/edit_history.html"

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with edited_by(lambda: request.user.pk):
            return super().changeform_view(request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with edited_by(lambda: request.user.pk):
            return super().changelist_view(request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with edited_by(lambda: request.user.pk):
            return super().delete_view(request, *args, **kwargs)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Each edit with the values that it changed."""
        key = unquote(object_id)
        entries = timeline(self.model, int(key)) if key.isascii() and key.isdecimal() and len(key) < 19 else []
        return super().history_view(request, object_id, {"timeline": entries, **(extra_context or {})})
