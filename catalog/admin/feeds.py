"""Admin of feeds and of their runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from catalog import announce
from catalog.admin.feed_flow import FeedFlow
from catalog.admin.feed_form import FeedForm
from catalog.admin.history import KeepsHistory
from catalog.feeds.problem_tables import problems_csv
from catalog.feeds.schedule import ask_for, in_words, overdue_since
from catalog.models import Feed, FeedRun

if TYPE_CHECKING:
    FeedModelAdmin = admin.ModelAdmin[Feed]
    RunModelAdmin = admin.ModelAdmin[FeedRun]
else:
    FeedModelAdmin = RunModelAdmin = admin.ModelAdmin

_SHOWN_PROBLEMS = 100


@admin.register(Feed)
class FeedAdmin(KeepsHistory, FeedFlow, FeedModelAdmin):
    """Feeds that the workers read, and those that the command has read."""

    form = FeedForm
    change_form_template = "admin/catalog/feed/form.html"
    list_display = ["name", "flow", "shown_schedule", "due_at", "read_at", "last_run", "in_time"]
    list_filter = ["schedule"]
    search_fields = ["name", "url"]
    actions = ["run_now", "run_and_hide"]
    readonly_fields = ["due_at", "read_at", "last_run"]
    fieldsets = [
        (None, {"fields": ["name", "url", "upload", "currency", "unpublish_missing"]}),
        ("When", {"fields": [("schedule", "every", "at"), ("due_at", "read_at", "last_run")]}),
        ("Columns as text", {"fields": ["mapping"], "classes": ["collapse"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Feed | None = None) -> Any:
        """A new feed has no runs to be told of."""
        source, (when, _), text = self.fieldsets
        return self.fieldsets if obj else [source, (when, {"fields": [("schedule", "every", "at")]}), text]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Feed]:
        newest = FeedRun.objects.filter(feed=OuterRef("pk")).order_by("-id")
        feeds: QuerySet[Feed] = super().get_queryset(request)
        return feeds.annotate(run=Subquery(newest.values("pk")[:1]), run_state=Subquery(newest.values("state")[:1]))

    @admin.display(description="Steps")
    def flow(self, feed: Feed) -> SafeString:
        """Links to the steps of its way."""
        steps = (("catalog_feed_columns", "Columns"), ("catalog_feed_trial", "Trial"), ("catalog_feed_runs", "Runs"))
        return format_html_join(
            SafeString(" · "),
            '<a href="{}" aria-label="{} of {}">{}</a>',
            ((reverse(f"admin:{name}", args=[feed.pk]), label, feed, label) for name, label in steps),
        )

    @admin.display(description="Schedule", ordering="schedule")
    def shown_schedule(self, feed: Feed) -> str:
        return in_words(feed)

    @admin.display(description="In time", boolean=True)
    def in_time(self, feed: Feed) -> bool | None:
        if feed.schedule == Feed.Schedule.BY_HAND:
            return None
        return overdue_since(feed, timezone.now()) is None

    @admin.display(description="Last run")
    def last_run(self, feed: Any) -> str | SafeString:
        if getattr(feed, "run", None) is None:
            return "–"
        label = FeedRun.State(feed.run_state).label
        return format_html('<a href="{}">{}</a>', reverse("admin:catalog_feedrun_change", args=[feed.run]), label)

    @admin.action(description="Run selected feeds now", permissions=["change"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[Feed]) -> None:
        self._ask_for(request, queryset, "Asked to be read.")

    @admin.action(
        description="Run selected feeds now, and hide what is missing however much it is", permissions=["change"]
    )
    def run_and_hide(self, request: HttpRequest, queryset: QuerySet[Feed]) -> None:
        hiding = queryset.filter(unpublish_missing=True)
        if without := queryset.count() - hiding.count():
            self.message_user(
                request,
                f"{without} feeds do not hide what is missing, and are not read: tick that in the feed first.",
                level="warning",
            )
        said = "Asked to be read, and to hide what is missing however much it is."
        self._ask_for(request, hiding, said, forced_by=request.user.get_username())

    def _ask_for(self, request: HttpRequest, queryset: QuerySet[Feed], said: str, forced_by: str = "") -> None:
        """Have chosen feeds read; who asked stands in their history."""
        chosen = Feed.objects.filter(pk__in=[feed.pk for feed in queryset])
        asked = ask_for(chosen, timezone.now(), forced_by=forced_by)
        for feed in chosen.exclude(url="", upload=""):
            self.log_change(request, feed, said)
        if without := chosen.count() - asked:
            self.message_user(
                request,
                f"{without} feeds have neither a URL nor a file, and are read by the command alone.",
                level="warning",
            )
        if asked:
            self.message_user(request, f"{asked} feeds are read as soon as a worker is free.")

    def save_model(self, request: HttpRequest, obj: Feed, form: Any, change: bool) -> None:
        if not change:
            obj.save()
            announce.feeds_due()
            return
        replaced = form.initial.get("upload")
        # A worker may have written to the row since the form read it.
        obj.save(update_fields=[*FeedForm.Meta.fields, *(["scheduled_at", "due_at"] if _rescheduled(form) else [])])
        if _rescheduled(form):
            announce.feeds_due()
        if replaced and str(replaced) != str(obj.upload):
            _delete_on_commit([str(replaced)])

    def delete_model(self, request: HttpRequest, obj: Feed) -> None:
        _delete_on_commit([str(obj.upload)])
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Feed]) -> None:
        _delete_on_commit(list(queryset.values_list("upload", flat=True)))
        super().delete_queryset(request, queryset)


@admin.register(FeedRun)
class FeedRunAdmin(RunModelAdmin):
    """What each run did, to be read."""

    list_display = ["feed", "began_at", "state", "progress", "rows", "created", "updated", "unchanged"]
    list_display += ["hidden", "problem_count", "whole"]
    list_display_links = ["feed", "began_at"]
    list_filter = ["state", "feed"]
    list_select_related = ["feed"]
    show_full_result_count = False
    fields = ["feed", "state", "error", "began_at", "ended_at", "progress", "whole", "forced_by"]
    fields += ["rows", "created", "updated", "unchanged", "photos_added", "photos_removed", "hidden"]
    fields += ["shown_notices", "problem_count", "shown_problems"]
    readonly_fields = ["progress", "shown_notices", "shown_problems"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[FeedRun]:
        runs = super().get_queryset(request)
        match = request.resolver_match
        return runs.defer("problems") if match and match.url_name == "catalog_feedrun_changelist" else runs

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.problems_view)
        return [path("<int:run>/problems.csv", view, name="catalog_feedrun_problems"), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: FeedRun | None = None) -> bool:
        return False

    def problems_view(self, request: HttpRequest, run: int) -> HttpResponse:
        """The problems of a run as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = FeedRun.objects.filter(pk=run).first()
        if found is None:
            raise Http404(f"there is no run {run}; runs beyond the newest ones of a feed are removed")
        headers = {"Content-Disposition": f'attachment; filename="problems-{run}.csv"'}
        return HttpResponse(problems_csv(found), content_type="text/csv; charset=utf-8", headers=headers)

    @admin.display(description="Progress")
    def progress(self, run: FeedRun) -> str:
        if run.state != FeedRun.State.RUNNING:
            return "–"
        return f"{min(run.position / run.size, 1):.0%}" if run.size else f"{run.rows} rows"

    @admin.display(description="Notices")
    def shown_notices(self, run: FeedRun) -> str | SafeString:
        return format_html_join(SafeString("<br>"), "{}", ([notice] for notice in run.notices)) or "–"

    @admin.display(description="")
    def shown_problems(self, run: FeedRun) -> str | SafeString:
        if not run.problems:
            return "–"
        first = run.problems[:_SHOWN_PROBLEMS]
        return format_html(
            '<a href="{}">Download as CSV</a><br>{}',
            reverse("admin:catalog_feedrun_problems", args=[run.pk]),
            format_html_join(SafeString("<br>"), "{}: {}", ((place, reason) for _, place, reason in first)),
        )


def _rescheduled(form: Any) -> bool:
    return bool({"schedule", "every", "at"} & set(form.changed_data))


def _delete_on_commit(names: Iterable[str]) -> None:
    """Remove uploads from the storage once no row names them."""
    for name in filter(None, names):
        transaction.on_commit(lambda name=name: default_storage.delete(name), robust=True)  # type: ignore[misc]
