"""Rules in the admin: the list, the form, what a rule does to answers before it is kept, and taking its last change back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.forms.widgets import Script
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from catalog.admin.history import KeepsHistory
from recommender.admin.rule_form import RuleForm
from recommender.merchandising.rules import editing
from recommender.merchandising.rules.order import ORDER
from recommender.models import Rule
from recommender.search.answers import NoActiveSpace
from recommender.search.rule_preview import Compared, preview

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Rule]
else:
    Base = admin.ModelAdmin


class InForce(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state) for state in ("in force", "planned", "over", "off")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Rule]) -> QuerySet[Rule]:
        now = timezone.now()
        match self.value():
            case "off":
                return queryset.filter(enabled=False)
            case "over":
                return queryset.filter(enabled=True, ends_at__lte=now)
            case "planned":
                return queryset.filter(enabled=True, starts_at__gt=now).exclude(ends_at__lte=now)
            case "in force":
                return queryset.filter(enabled=True).exclude(starts_at__gt=now).exclude(ends_at__lte=now)
        return queryset


@admin.register(Rule)
class RuleAdmin(KeepsHistory, Base):
    """Rules are switched off or undone, never deleted here: who made them and why stays known."""

    form = RuleForm
    change_form_template = "admin/recommender/rule/change_form.html"
    list_display = ["done", "asked_for", "state", "starts_at", "ends_at", "reason", "created_by", "previewed"]
    list_filter = [InForce, "kind", "scope"]
    list_select_related = ["for_product", "for_category", "product", "created_by"]
    search_fields = [
        "reason",
        "product__sku",
        "product__title",
        "for_product__sku",
        "for_product__title",
        "brand",
        "for_brand",
    ]
    list_per_page = 50
    actions = ["switch_on", "switch_off"]
    readonly_fields = ["created_by", "created_at", "changed_by", "changed_at"]
    fieldsets = [
        ("What", {"fields": ["kind", "place", "factor"]}),
        (
            "With which products",
            {"fields": ["target", "product", "attribute", "value", "brand", ("price_from", "price_to")]},
        ),
        ("For which answers", {"fields": ["scope", "for_product", "for_category", "for_brand"]}),
        ("When and why", {"fields": [("starts_at", "ends_at"), "reason", "enabled"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Rule | None = None) -> Any:
        made = ("Who", {"fields": [("created_by", "created_at"), ("changed_by", "changed_at")]})
        return [*self.fieldsets, made] if obj is not None else self.fieldsets

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path("preview/", view(require_POST(self.preview_unsaved)), name="recommender_rule_preview_unsaved"),
            path("<int:rule_id>/preview/", view(self.preview_kept), name="recommender_rule_preview"),
            path("<int:rule_id>/undo/", view(require_POST(self.undo)), name="recommender_rule_undo"),
        ]
        return ours + super().get_urls()

    def has_delete_permission(self, request: HttpRequest, obj: Rule | None = None) -> bool:
        match = request.resolver_match
        on_own_pages = match is not None and (match.url_name or "").startswith("recommender_rule")
        return not on_own_pages and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:
        editing.save(obj, by=_person(request))

    def preview_kept(self, request: HttpRequest, rule_id: int) -> HttpResponse:
        """What a rule does to answers, as it is kept."""
        rule = Rule.objects.filter(pk=rule_id).first()
        if rule is None:
            raise Http404(f"there is no rule {rule_id}")
        if not self.has_view_permission(request, rule):
            raise PermissionDenied
        return self._previewed(request, rule)

    def preview_unsaved(self, request: HttpRequest) -> HttpResponse:
        """What a rule would do to answers, as the form describes it; `rule` is the number of the one that the form changes."""
        kept = Rule.objects.filter(pk=number).first() if (number := _number(request.GET.get("rule", ""))) else None
        if not (self.has_add_permission(request) or self.has_change_permission(request, kept)):
            raise PermissionDenied
        form = self.get_form(request, kept)(request.POST, instance=kept)
        action = reverse("admin:recommender_rule_add") if kept is None else _change(kept)
        sent = [
            (name, value)
            for name in request.POST
            for value in request.POST.getlist(name)
            if name != "csrfmiddlewaretoken"
        ]
        if not form.is_valid():
            return self._previewed(request, None, form=form)
        return self._previewed(request, form.instance, action=action, sent=sent)

    def undo(self, request: HttpRequest, rule_id: int) -> HttpResponse:
        """Take back the last change of a rule."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        try:
            rule = editing.undo(rule_id, by=_person(request))
        except editing.UnknownRule as error:
            raise Http404(str(error)) from error
        except ValidationError as error:
            messages.error(request, f"The last change cannot be taken back: {' '.join(error.messages)}")
            return redirect("admin:recommender_rule_change", rule_id)
        self.log_change(request, rule, "Undone.")
        state = rule.state_at(timezone.now())
        messages.success(
            request, f"The last change of “{rule}” was taken back; the rule is {state}. Undo again to repeat it."
        )
        return redirect("admin:recommender_rule_change", rule_id)

    def _previewed(self, request: HttpRequest, rule: Rule | None, **more: Any) -> HttpResponse:
        problem = ""
        rows: Sequence[Compared] = ()
        if rule is not None:
            try:
                rows = preview(rule)
            except NoActiveSpace as error:
                problem = str(error)
        context = {
            **self.admin_site.each_context(request),
            "title": "Before and after",
            "subtitle": str(rule) if rule is not None else None,
            "opts": self.opts,
            "rule": rule,
            "rows": rows,
            "changed": sum(row.is_changed for row in rows),
            "problem": problem,
            "order": ORDER,
            "media": self.media,
            **more,
        }
        return TemplateResponse(request, "admin/recommender/rule/preview.html", context)

    @admin.action(description="Switch on selected rules", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        self._switch(request, queryset, enabled=True)

    @admin.action(description="Switch off selected rules", permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        self._switch(request, queryset, enabled=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Rule], *, enabled: bool) -> None:
        state = "on" if enabled else "off"
        changed = [
            editing.switch(pk, enabled=enabled, by=_person(request))
            for pk in queryset.exclude(enabled=enabled).values_list("pk", flat=True)
        ]
        for rule in changed:
            self.log_change(request, rule, f"Switched {state}.")
        count = f"{len(changed)} {'rule' if len(changed) == 1 else 'rules'}"
        messages.success(request, f"{count} switched {state}. Answers follow within seconds.")

    @admin.display(description="rule", ordering="kind")
    def done(self, rule: Rule) -> str:
        return rule.done

    @admin.display(description="for", ordering="scope")
    def asked_for(self, rule: Rule) -> str:
        return rule.asked_for

    @admin.display(description="state")
    def state(self, rule: Rule) -> SafeString:
        state = rule.state_at(timezone.now())
        return format_html('<span class="rule-state is-{}">{}</span>', state.replace(" ", "-"), state)

    @admin.display(description="before and after")
    def previewed(self, rule: Rule) -> SafeString:
        url = reverse("admin:recommender_rule_preview", args=[rule.pk])
        return format_html('<a href="{}" aria-label="Before and after: {}">look</a>', url, rule)

    class Media:
        css = {"all": ["admin_lookalike/admin.css"]}
        js = [Script("recommender/rules.js", type="module")]


def _change(rule: Rule) -> str:
    return reverse("admin:recommender_rule_change", args=[rule.pk])


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _person(request: HttpRequest) -> User | None:
    """Who is signed in, as every page of the admin asks for."""
    return request.user if isinstance(request.user, User) else None
