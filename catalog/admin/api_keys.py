"""Admin of the API's keys: a key is shown once, on the page that follows its making."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from catalog.access.issuing import ROTATION_HOURS, Issued, KeyRefused, issue, revoke_key, rotate_key
from catalog.caching import NOT_STORED
from catalog.models import ApiKey
from catalog.origins import origin_of

if TYPE_CHECKING:
    KeyModelAdmin = admin.ModelAdmin[ApiKey]
    KeyModelForm = forms.ModelForm[ApiKey]
else:
    KeyModelAdmin, KeyModelForm = admin.ModelAdmin, forms.ModelForm


class OriginsField(forms.CharField):
    """Origins, one on each line."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 60})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        try:
            return list(dict.fromkeys(map(origin_of, super().clean(value).split())))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class ApiKeyForm(KeyModelForm):
    origins = OriginsField(
        required=False,
        help_text="For a publishable key: the pages that may use it, one a line, like https://shop.example. Empty: all.",
    )

    class Meta:
        model = ApiKey
        fields = ["name", "kind", "origins", "rate", "burst", "expires_at"]


@admin.register(ApiKey)
class ApiKeyAdmin(KeyModelAdmin):
    """Keys, those that are valid no more among them."""

    form = ApiKeyForm
    list_display = ["name", "kind", "shown_prefix", "state", "last_used_at", "expires_at", "created_by", "created_at"]
    list_filter = ["kind"]
    list_select_related = ["created_by", "replaced_by"]
    search_fields = ["name", "prefix"]
    actions = ["rotate", "revoke"]
    fields = ["name", "kind", "origins", ("rate", "burst"), "expires_at"]
    _FACTS = ("shown_prefix", "state", "replaces", "created_by", "created_at", "last_used_at", "revoked_at")

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return self.fields if obj is None else [*(self.fields or ()), *self._FACTS]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return () if obj is None else ("kind", *self._FACTS)

    @admin.display(description="Begins with", ordering="prefix")
    def shown_prefix(self, key: ApiKey) -> str:
        return f"{key.prefix}…"

    @admin.display(description="State")
    def state(self, key: ApiKey) -> str:
        if key.ended_at(timezone.now()) is not None:
            return "revoked" if key.revoked_at is not None else "expired"
        return "valid, replaced" if hasattr(key, "replaced_by") else "valid"

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=[name for name in ApiKeyForm.Meta.fields if name in form.cleaned_data])
            return
        obj.created_by_id = request.user.pk
        obj.issued = issue(obj)  # type: ignore[attr-defined]  # for `response_add`, which shows it

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        issued: Issued = obj.issued  # type: ignore[attr-defined]
        return self._shown_once(request, issued, "")

    @admin.action(description="Rotate the selected key: make its successor", permissions=["add", "change"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse | None:
        chosen = list(queryset.values_list("pk", flat=True)[:2])
        if len(chosen) != 1:
            self.message_user(request, "Choose one key: its successor is shown once.", level="error")
            return None
        try:
            issued = rotate_key(chosen[0], by=request.user if request.user.is_authenticated else None)
        except KeyRefused as error:
            self.message_user(request, str(error), level="error")
            return None
        self.log_addition(request, issued.key, [{"added": {}}])
        old = issued.key.replaces
        assert old is not None and old.expires_at is not None
        self.log_change(request, old, f"Replaced by {issued.key}.")
        return self._shown_once(
            request,
            issued,
            f"{old} stays valid until {old.expires_at:%Y-%m-%d %H:%M} UTC, {ROTATION_HOURS:g} hours at most.",
        )

    @admin.action(description="Revoke selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for pk in queryset.values_list("pk", flat=True):
            self.log_change(request, revoke_key(pk), "Revoked.")
        self.message_user(request, "Whoever sends a revoked key is refused within 30 seconds.")

    def _shown_once(self, request: HttpRequest, issued: Issued, note: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Keep this key now",
            "opts": self.opts,
            "key": issued.key,
            "token": issued.token,
            "note": note,
        }
        return TemplateResponse(
            request, "admin/catalog/apikey/shown_once.html", context, headers={"Cache-Control": NOT_STORED}
        )
