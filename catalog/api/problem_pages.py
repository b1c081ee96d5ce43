"""The pages that the `type` of a problem names: for the developer who meets one and follows its URL."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from catalog.api.problem_types import TYPES
from catalog.caching import kept_as, public

PAGE_SECONDS = 3600  # that a page may be old after an upgrade


@kept_as(public(PAGE_SECONDS), keyless=True)
@require_safe
def problem_types(request: HttpRequest) -> HttpResponse:
    """All types."""
    return render(request, "catalog/problem_types.html", {"types": TYPES.values()})


@kept_as(public(PAGE_SECONDS), keyless=True)
@require_safe
def problem_type(request: HttpRequest, name: str) -> HttpResponse:
    """One type."""
    if name not in TYPES:
        raise Http404(f"there is no problem {name}")
    found = TYPES[name]
    context = {"type": found, "meaning": _with_code(found.meaning), "remedy": _with_code(found.remedy)}
    return render(request, "catalog/problem_type.html", context)


def _with_code(text: str) -> SafeString:
    """A text as HTML; what stands between backticks is code."""
    pieces = text.split("`")
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", piece) if n % 2 else piece,) for n, piece in enumerate(pieces))
    )
