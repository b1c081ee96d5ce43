"""Encoders and spaces in the admin: spaces are built, judged, looked at side by side, activated and retired here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST, require_safe

from catalog.errands.asking import ask, under_way
from catalog.models import Errand
from recommender.admin.read_only import ReadOnlyAdmin
from recommender.admin.space_form import BuildForm
from recommender.encoder import store as encoders
from recommender.index.types import SpaceGone
from recommender.models import Encoder, Space
from recommender.records.reading import MalformedRecord
from recommender.search.compared import PRODUCTS, compare
from recommender.spaces import errand_kinds, listing
from recommender.spaces.active import active_beside

if TYPE_CHECKING:
    from recommender.spaces.guard import Verdict

LIST, ONE = "admin:recommender_space_changelist", "admin:recommender_space_change"
MAY_BUILD, MAY_SWITCH, MAY_RETIRE = (f"recommender.{action}_space" for action in ("add", "change", "delete"))
_MOST_SEED = 2**31
_NAMED = 20  # classes of a fit


@admin.register(Encoder)
class EncoderAdmin(ReadOnlyAdmin):
    list_display = [
        "name",
        "precision",
        "pooling",
        "recipe",
        "side",
        "dimensions",
        "colour_bins",
        "short_hash",
        "created_at",
    ]
    fields = [
        "name",
        "weights",
        "precision",
        "pooling",
        "recipe",
        "side",
        "dimensions",
        "colour_bins",
        "sha256",
        "created_at",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Encoder]:
        return super().get_queryset(request).defer(*encoders.HEAVY)

    @admin.display(description="SHA-256")
    def short_hash(self, encoder: Encoder) -> str:
        return encoder.sha256[:12]


@admin.register(Space)
class SpaceAdmin(ReadOnlyAdmin):
    """Pages of our own in place of Django's list and form: nothing here is edited field by field."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = "recommender_space"
        return [
            path("build/", view(self.build_view), name=f"{name}_build"),
            path("<int:space>/ask/", view(require_POST(self.ask_view)), name=f"{name}_ask"),
            path("<int:space>/compare/", view(require_safe(self.compare_view)), name=f"{name}_compare"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Every space with its figures, those that answer or may answer first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = Space.objects.select_related("encoder").defer(*listing.HEAVY).order_by("-pk")
        found = sorted(map(_listed, rows), key=lambda one: one["state"] != Space.State.ACTIVE)
        builds = Errand.objects.filter(kind=errand_kinds.BUILD)
        context = {
            "title": "Spaces",
            "spaces": [one for one in found if one["state"] != Space.State.RETIRED],
            "retired": [one for one in found if one["state"] == Space.State.RETIRED],
            "building": builds.exclude(state__in=[Errand.State.DONE, Errand.State.FAILED]).first(),
            "last_build": builds.first(),
            **(extra_context or {}),
        }
        return self._page(request, "spaces", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One space: what it is, what the guard says, and its judgement as tables and plots."""
        space = self._space(request, int(object_id) if object_id.isdecimal() else 0)
        active = active_beside(space)
        errand = next(filter(None, (under_way(kind, space.name) for kind in errand_kinds.KINDS)), None)
        last = Errand.objects.filter(about=space.name, kind__in=errand_kinds.KINDS).first()
        context = {
            "title": f"Space {space.name}",
            "space": space,
            "active": active,
            "errand": errand,
            "doing": errand_kinds.KINDS[errand.kind] if errand else "",
            "failed": last if last is not None and last.state == Errand.State.FAILED else None,
            "switched": last
            if last and last.kind == errand_kinds.ACTIVATE and last.state == Errand.State.DONE
            else None,
            **_judged(space),
        }
        if space.state == Space.State.READY and errand is None:
            context["guard"] = _guard(space, active)
        return self._page(request, "space", context)

    def build_view(self, request: HttpRequest) -> HttpResponse:
        """The form of a new space; a worker builds it."""
        if not request.user.has_perm(MAY_BUILD):
            raise PermissionDenied
        form = BuildForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            ask(errand_kinds.BUILD, about=form.cleaned_data["name"], options=form.errand_options, by=request.user.pk)
            return redirect(LIST)
        return self._page(request, "build", {"title": "Build a space", "form": form})

    def ask_view(self, request: HttpRequest, space: int) -> HttpResponse:
        """Have a worker do what the button says: `what` is a kind of errand; `force` goes over the guard's objections."""
        found = self._space(request, space)
        what = request.POST.get("what", "")
        needed = {errand_kinds.BUILD: MAY_BUILD, errand_kinds.RETIRE: MAY_RETIRE}.get(what, MAY_SWITCH)
        if what not in errand_kinds.KINDS or not request.user.has_perm(needed):
            raise PermissionDenied
        options: dict[str, object] = {}
        if what == errand_kinds.BUILD:
            options = {"resume": True}
        elif what == errand_kinds.ACTIVATE:
            options = {"force": "force" in request.POST}
            if options["force"] and "sure" not in request.POST:
                messages.error(request, "Nothing was done: tick that you are sure to go over the guard's objections.")
                return redirect(ONE, space)
        ask(what, about=found.name, options=options, by=request.user.pk)
        return redirect(ONE, space)

    def compare_view(self, request: HttpRequest, space: int) -> HttpResponse:
        """Twenty products, and what this space and another answer to them."""
        after = self._space(request, space)
        usable = Space.objects.filter(state__in=[Space.State.ACTIVE, Space.State.READY]).exclude(pk=after.pk)
        others = list(usable.order_by("state", "-pk").values_list("pk", "name"))
        asked, seed = request.GET.get("with", ""), request.GET.get("draw", "")
        with_pk = (
            int(asked) if asked.isdecimal() and int(asked) in dict(others) else next((pk for pk, _ in others), None)
        )
        number = min(int(seed), _MOST_SEED) if seed.isascii() and seed.isdecimal() and len(seed) < 12 else 1
        context: dict[str, Any] = {
            "title": f"{PRODUCTS} products in two spaces",
            "space": after,
            "others": others,
            "with_pk": with_pk,
            "next_draw": number + 1,
            "draw": number,
        }
        complete = after.state in (Space.State.ACTIVE, Space.State.READY)
        if with_pk is not None and complete:
            before = Space.objects.select_related("encoder").defer(*encoders.HEAVY_JOINED).get(pk=with_pk)
            try:
                rows = compare(before, after, seed=number)
            except SpaceGone:
                rows = []
            changed = sum(len([seen for seen in row.after if seen.change == "new"]) for row in rows)
            answers = sum(len(row.after) for row in rows)
            context |= {"before": before, "rows": rows, "changed": changed, "answers": answers}
        return self._page(request, "compare", context)

    def _space(self, request: HttpRequest, pk: int) -> Space:
        rows = Space.objects.select_related("encoder").defer(*encoders.HEAVY_JOINED)
        space = get_object_or_404(rows, pk=pk)
        if not self.has_view_permission(request, space):
            raise PermissionDenied
        return space

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        rights = {"may_build": MAY_BUILD, "may_switch": MAY_SWITCH, "may_retire": MAY_RETIRE}
        told = {**self.admin_site.each_context(request), "opts": self.opts}
        told |= {name: request.user.has_perm(right) for name, right in rights.items()}
        return TemplateResponse(request, f"admin/recommender/space/{template}.html", told | context)


def _listed(space: Space) -> dict[str, Any]:
    """What the list shows of a space; where a record of it is malformed, what is wrong with that."""
    try:
        found = listing.described(space)
    except MalformedRecord as error:
        return {"pk": space.pk, "name": space.name, "state": space.state, "malformed": str(error)}
    return {**found, "pk": space.pk, "figures": _headline(found["quality"])}


def _fitted(space: Space) -> list[tuple[str, str]]:
    """What a space was fitted on, each with what it is called."""
    fit = space.fit
    if fit is None:
        return []
    classes = fit.classes or ()
    names = ", ".join(classes[:_NAMED]) + (f" and {len(classes) - _NAMED:,} more" if len(classes) > _NAMED else "")
    facts = [
        ("Photos it was fitted on", fit.photos),
        ("of them with a label", fit.labelled),
        ("Photos kept aside to judge it", None if fit.held_out is None else len(fit.held_out)),
    ]
    shown = [(name, f"{count:,}") for name, count in facts if count is not None]
    return [*shown, ("Classes it knows", names)] if classes else shown


def _headline(quality: dict[str, float | None] | None) -> dict[str, str]:
    """P@10 and mAP@50 as the list shows them, by names that a template can say."""
    figures = {"precision": (quality or {}).get("p@10"), "average_precision": (quality or {}).get("map@50")}
    return {name: "–" if figure is None else f"{figure:.3f}" for name, figure in figures.items()}


def _guard(space: Space, active: Space | None) -> Verdict:
    """What the guard would say now, by the judgement that is kept."""
    # As late as somebody looks at a space: what judges and draws takes megabytes.
    from recommender.spaces.guard import Verdict, completeness, verdict

    try:
        said = verdict(space)
    except MalformedRecord as error:
        return Verdict(objections=[str(error)])
    return Verdict(objections=completeness(space, active) + said.objections, warnings=said.warnings)


def _judged(space: Space) -> dict[str, Any]:
    """The judgement that is kept; `malformed` says what is wrong with the record."""
    from recommender.evaluation.report.kept import kept_judgement

    try:
        quality = space.judged
        return {"judged": quality, "fitted": _fitted(space), **(kept_judgement(space, quality) if quality else {})}
    except MalformedRecord as error:
        return {"judged": None, "malformed": str(error)}
