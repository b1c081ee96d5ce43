"""The way of a feed in the admin: columns, trial, runs. Each step is a page of its own, and each can be come back to."""

from __future__ import annotations

from collections.abc import Mapping
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
from catalog.feeds import sampling, trying
from catalog.feeds.columns import ProductRow
from catalog.feeds.mapping.by_hand import asked, written
from catalog.feeds.mapping.files import MappingError
from catalog.feeds.mapping.suggesting import columns_of, guesses
from catalog.feeds.names import column_key
from catalog.feeds.rows import FeedError, FeedRow
from catalog.feeds.schedule import ask_for, in_words
from catalog.models import Errand, Feed, FeedRun

if TYPE_CHECKING:
    FeedModelAdmin = admin.ModelAdmin[Feed]
else:
    FeedModelAdmin = admin.ModelAdmin

_RUNS = 15  # of the history that are shown
_EXAMPLE = 40  # characters of a column's example


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
        found = self._feed(request, feed)
        errand = latest(sampling.ERRAND, str(feed))
        if errand is None and self.has_change_permission(request, found) and (found.url or found.upload):
            errand = ask(sampling.ERRAND, about=str(feed), by=request.user.pk)
        context: dict[str, Any] = {"errand": errand}
        if errand is not None and errand.state == Errand.State.DONE:
            rows = sampling.read_rows(errand.result["rows"])
            mapping, by_hand, problem = self._chosen(request, found, rows)
            if request.method == "POST" and "keep" in request.POST and not problem:
                return self._kept(request, found, mapping)
            context |= self._sampled(found, errand, rows, mapping, by_hand, problem)
        return self._page(request, found, "columns", "which column is which", context)

    def sample_view(self, request: HttpRequest, feed: int) -> HttpResponse:
        """Have the first rows read anew."""
        self._changeable(request, feed)
        ask(sampling.ERRAND, about=str(feed), by=request.user.pk)
        return redirect("admin:catalog_feed_columns", feed)

    def trial_view(self, request: HttpRequest, feed: int) -> HttpResponse:
        """What a run would do, as a difference to the catalogue; posting asks for it."""
        found = self._feed(request, feed)
        if request.method == "POST":
            self._changeable(request, feed)
            ask(trying.ERRAND, about=str(feed), by=request.user.pk)
            return redirect("admin:catalog_feed_trial", feed)
        errand = latest(trying.ERRAND, str(feed))
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

    def _chosen(self, request: HttpRequest, feed: Feed, rows: list[FeedRow]) -> tuple[str, bool, str]:
        """The mapping that the page shows: what was posted, else what is kept, else what is guessed; whether by hand; what is
        wrong with it."""
        guessed = guesses(rows)
        if request.method != "POST":
            if feed.mapping.strip() or _are_ours(rows):
                return feed.mapping, bool(feed.mapping.strip()), ""
            return written({name: columns[0] for name, columns in guessed.items()}, "", guessed), True, ""
        if request.POST.get("way") == "found":
            return "", False, ""
        names = set(columns_of(rows))
        chosen = {name: request.POST.get(f"column-{name}", "") for name in _ASKED}
        if unknown := [column for column in chosen.values() if column and column not in names]:
            return feed.mapping, True, f"the feed has no column {unknown[0]!r}: choose one of the list"
        try:
            return written(chosen, feed.mapping, guessed), True, ""
        except MappingError as error:
            return feed.mapping, True, str(error)

    def _kept(self, request: HttpRequest, feed: Feed, mapping: str) -> HttpResponse:
        self._changeable(request, feed.pk)
        if feed.mapping != mapping:
            feed.mapping = mapping
            feed.save(update_fields=["mapping"])
            self.log_change(request, feed, "Changed which column is which.")
        ask(trying.ERRAND, about=str(feed.pk), by=request.user.pk)
        return redirect("admin:catalog_feed_trial", feed.pk)

    def _sampled(
        self, feed: Feed, errand: Errand, rows: list[FeedRow], mapping: str, by_hand: bool, problem: str
    ) -> dict[str, Any]:
        products: list[ProductRow] = []
        problems = [problem] if problem else []
        try:
            products, wrong = sampling.sample_products(rows, mapping, feed.currency)
            problems += wrong
        except FeedError as error:
            problems.append(str(error))
        pictures: Mapping[str, str] = errand.result["pictures"]
        shown = [
            {
                "row": product,
                "photos": [
                    pictures.get(one, one if one.startswith("https://") else "") for one in (product.photos or ())[:3]
                ],
                "price": sampling.price_of(product),
                "category": " › ".join(product.category or ()),
            }
            for product in products
        ]
        columns = [
            (name, next((text for text in texts if text), "")[:_EXAMPLE]) for name, texts in columns_of(rows).items()
        ]
        return {
            "shop": errand.result["shop"],
            "products": shown,
            "problems": problems,
            "fields": asked(mapping, {} if by_hand else guesses(rows)),
            "columns": columns,
            "by_hand": by_hand,
        }

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


_ASKED = tuple(one.field for one in asked("", {}))


def share_of(run: FeedRun) -> int:
    """How far a run is, in per cent; 0 where the size of its feed is not known."""
    return round(100 * min(run.position / run.size, 1)) if run.size else 0


def _are_ours(rows: list[FeedRow]) -> bool:
    """Whether the feed needs no mapping: a known shop system wrote it, or it names its columns as we do."""
    names = {column_key(name) for name in columns_of(rows)}
    return sampling.shop_of(rows) != "" or {"id", "title"} <= names
