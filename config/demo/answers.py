"""What the demo prints at the end: items similar to three products, asked for over the HTTP API."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from contextlib import suppress
from typing import Any

from django.db.models import Count, Q

from catalog.models import Product
from recommender.models import Space

PRODUCTS = 3
ANSWERS = 3
# How long a web process may take to switch to a new space, whose encoder it has to load.
SWITCH_SECONDS = 10.0
DRAWN = Q(sku__startswith="DRAWN-")
# Never through a proxy: the server is on this machine. With the cookies of its pages: where the API wants keys, it is asked as a
# visitor's browser asks.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor())


def is_up(url: str) -> bool:
    try:
        with _opener.open(f"{url}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def catalogue_line(*, given: bool) -> str:
    """How many products there are, imported and drawn: runs with and without CATALOG share the database."""
    counts = Product.objects.aggregate(drawn=Count("id", filter=DRAWN), real=Count("id", filter=~DRAWN))
    parts = []
    if counts["real"]:
        parts.append(f"{counts['real']} imported products")
    if counts["drawn"]:
        parts.append(f"{counts['drawn']} drawn demo products")
    line = "In the database: " + (" and ".join(parts) or "no products")
    if given and counts["drawn"] and counts["real"]:
        line += " (the drawn ones are of an earlier run without CATALOG; LOCAL_DIR=folder starts afresh)"
    return line


def first_answers(url: str, *, given: bool) -> str | None:
    """A table of three products of different categories and the items most similar to each; None if no product has any."""
    with suppress(urllib.error.HTTPError):
        _opener.open(f"{url}/", timeout=30).close()
    rows: list[list[str]] = []
    for product in _chosen(given=given):
        if len(rows) == PRODUCTS:
            break
        answer = _answer(f"{url}/api/v1/products/{product.pk}/similar/?limit={ANSWERS}")
        if answer is None or answer["status"] != "ready" or not answer["results"]:
            continue
        cells = [f"{hit['product']['title']} {hit['score']:.3f}" for hit in answer["results"]]
        rows.append([product.title, *cells])
    if not rows:
        return None
    head = ["Product", *(["Similar items, with score"] + [""] * (ANSWERS - 1))]
    rows = [[_short(cell) for cell in row] + [""] * (len(head) - len(row)) for row in rows]
    widths = [max(len(row[column]) for row in [head[:1] + [""] * ANSWERS, *rows]) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [head, *rows]
    ]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join(["", *lines, ""])


def _answer(url: str) -> dict[str, Any] | None:
    """The answer from the active space: asks again while a web process still answers from the space before."""
    active = Space.objects.filter(state=Space.State.ACTIVE).values_list("name", flat=True).first()
    until = time.monotonic() + SWITCH_SECONDS
    while (answer := _get(url)) is not None and answer["space"] != active and time.monotonic() < until:
        time.sleep(0.1)
    return answer


def _chosen(*, given: bool) -> list[Product]:
    """Candidates: the first product of each category, then any, of the imported ones if a catalogue was given."""
    shown = Product.objects.filter(published=True, images__isnull=False)
    if given and shown.exclude(DRAWN).exists():
        shown = shown.exclude(DRAWN)
    firsts = list(shown.order_by("category_id", "id").distinct("category_id")[:20])
    return firsts + list(shown.exclude(pk__in=[product.pk for product in firsts]).distinct().order_by("id")[:20])


def _get(url: str) -> dict[str, Any] | None:
    try:
        with _opener.open(url, timeout=30) as answer:
            content: dict[str, Any] = json.load(answer)
            return content
    except urllib.error.HTTPError:
        return None


def _short(text: str, width: int = 40) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
