"""The way of a feed in the admin: columns, trial, runs. Each step is a page of its own, and each can be come back to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from catalog.errands.asking import ask, latest
from catalog.feeds.errand_kinds import SAMPLE, TRIAL
from catalog.feeds.schedule import ask_for, in_words
from catalog.models import Errand, Feed, FeedRun

if TYPE_CHECKING:
    FeedModelAdmin = admin.ModelAdmin[Feed]
else:
    FeedModelAdmin = admin.ModelAdmin

_RUNS = 15  # of the history that are shown


class FeedFlow(FeedModelAdmin):
    """The pages of a feed beside its form."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:feed>/columns/", view(self.columns_view), name="catalog_feed_columns"),
            path("<int:feed>/columns/again/", view(require_POST(self.sample_view)), name="catalog_feed_sample"),
            path("<int:feed>/trial/", view(self.trial_view), name="catalog_feed_trial"),
            path("<int:feed>/runs/", view(self.runs_view), name="catalog_feed_runs"),
            path("<int:feed>/runs/state/", view(require_safe(self.run_state_view)), name="catalog_feed_run_state"),
            *super().get_urls(),
        ]

    def columns_view(self, request: HttpRequest, feed: int) -> HttpResponse:
        """Which column is which: suggested, shown with what the first products become, corrected, kept."""
        from catalog.admin import feed_columns  # as late as somebody looks: what reads feeds takes megabytes

        found = self._feed(request, feed)
        errand = latest(SAMPLE, str(feed))
        if errand is None and self.has_change_permission(request, found) and (found.url or found.upload):
            errand = ask(SAMPLE, about=str(feed), by=request.user.pk)
        context: dict[str, Any] = {"errand": errand}
        if errand is not None and errand.state == Errand.State.DONE:
            posted = request.POST if request.method == "POST" else None
            choice = feed_columns.choice(found, errand, posted)
            if posted is not None and "keep" in posted and not choice.problem:
                return self._kept(request, found, choice.mapping)
            context |= feed_columns.shown(found, errand, choice)
        return self._page(request, found, "columns", "which column is which", context)

    def sample_view(self, request: HttpRequest, feed: int) -> HttpResponse:
        """Have the first rows read anew."""
        self._changeable(request, feed)
        ask(SAMPLE, about=str(feed), by=request.user.pk)
        return redirect("admin:catalog_feed_columns", feed)

    def trial_view(self, request: HttpRequest, feed: int) -> HttpResponse:
        """What a run would do, as a difference to the catalogue; posting asks for it."""
        found = self._feed(request, feed)
        if request.method == "POST":
            self._changeable(request, feed)
            ask(TRIAL, about=str(feed), by=request.user.pk)
            return redirect("admin:catalog_feed_trial", feed)
        errand = latest(TRIAL, str(feed))
        outdated = (
            errand is not None and errand.state == Errand.State.DONE and errand.result["mapping"] != found.mapping
        )
        return self._page(request, found, "trial", "what would change", {"errand": errand, "outdated": outdated})

    def runs_view(self, request: HttpRequest, feed: int) -> HttpResponse:
        """The run that goes on, the schedule, and the runs before; posting begins one."""
        found = self._feed(request, feed)
        if request.method == "POST":
            self._changeable(request, feed)
            if ask_for(Feed.objects.filter(pk=feed), timezone.now()):
                self.log_change(request, found, "Asked to be read.")
            else:
                messages.error(request, "The feed has neither a URL nor a file: give it one first.")
            return redirect("admin:catalog_feed_runs", feed)
        runs = list(FeedRun.objects.filter(feed=found).defer("problems")[:_RUNS])
        waits = found.due_at is not None and found.due_at <= timezone.now()
        context = {
            "runs": runs,
            "running": next((run for run in runs if run.state == FeedRun.State.RUNNING), None),
            "waits": waits,
            "schedule": in_words(found),
            "may_see_runs": request.user.has_perm("catalog.view_feedrun"),
        }
        return self._page(request, found, "runs", "runs", context)

    def run_state_view(self, request: HttpRequest, feed: int) -> HttpResponse:
        """How far the present run is, for the page's script."""
        found = self._feed(request, feed)
        run = FeedRun.objects.filter(feed=found, state=FeedRun.State.RUNNING).defer("problems").first()
        if run is None:
            waits = found.due_at is not None and found.due_at <= timezone.now()
            return JsonResponse({"over": not waits, "said": "waits for a worker", "share": 0})
        said = f"{run.rows:,} rows: {run.created:,} new, {run.updated:,} changed, {run.problem_count:,} problems"
        return JsonResponse({"over": False, "said": said, "share": share_of(run)})

    def response_add(self, request: HttpRequest, obj: Feed, post_url_continue: str | None = None) -> HttpResponse:
        """From the form on to the columns, unless another form is wanted."""
        response = super().response_add(request, obj, post_url_continue)
        on_to_columns = not {"_continue", "_addanother", "_popup"} & set(request.POST)
        return redirect("admin:catalog_feed_columns", obj.pk) if on_to_columns else response

    def _feed(self, request: HttpRequest, pk: int) -> Feed:
        found = get_object_or_404(Feed, pk=pk)
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        return found

    def _changeable(self, request: HttpRequest, pk: int) -> None:
        if not self.has_change_permission(request, get_object_or_404(Feed, pk=pk)):
            raise PermissionDenied

    def _kept(self, request: HttpRequest, feed: Feed, mapping: str) -> HttpResponse:
        self._changeable(request, feed.pk)
        if feed.mapping != mapping:
            feed.mapping = mapping
            feed.save(update_fields=["mapping"])
            self.log_change(request, feed, "Changed which column is which.")
        ask(TRIAL, about=str(feed.pk), by=request.user.pk)
        return redirect("admin:catalog_feed_trial", feed.pk)

    def _page(self, request: HttpRequest, feed: Feed, step: str, title: str, context: dict[str, Any]) -> HttpResponse:
        steps = [
            ("form", "Source and schedule", reverse("admin:catalog_feed_change", args=[feed.pk])),
            ("columns", "Columns", reverse("admin:catalog_feed_columns", args=[feed.pk])),
            ("trial", "What would change", reverse("admin:catalog_feed_trial", args=[feed.pk])),
            ("runs", "Runs", reverse("admin:catalog_feed_runs", args=[feed.pk])),
        ]
        told = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "feed": feed,
            "title": f"{feed}: {title}",
            "step_title": title,
            "step": step,
            "steps": steps,
            "may_change": self.has_change_permission(request, feed),
        }
        return TemplateResponse(request, f"admin/catalog/feed/{step}.html", told | context)


def share_of(run: FeedRun) -> int:
    """How far a run is, in per cent; 0 where the size of its feed is not known."""
    return round(100 * min(run.position / run.size, 1)) if run.size else 0
