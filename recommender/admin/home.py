"""Home: a tile for each thing that may want a person, with its number, a line of its last days and where to go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from recommender.admin.jobs import MAY_ASK
from recommender.models import DailySample
from recommender.monitoring.daily import GOOD
from recommender.monitoring.home import Figures, figures, wants_a_person

_WIDTH, _HEIGHT = 120, 28  # of a line, in its own units
_PRODUCTS, _JOBS = "admin:catalog_product_changelist", "admin:recommender_embeddingjob_changelist"
_NO_SAMPLE = "The first daily sample is still to come: workers take it within an hour."


@dataclass(frozen=True)
class Spark:
    """A line of values in the order of time: `points` of an SVG polyline, and the same in words."""

    points: str
    words: str


@dataclass(frozen=True)
class Part:
    """A line below a tile's number: how many of what, where they are, and what a button there tries again."""

    label: str
    url: str = ""
    count: str = ""
    retry: str | None = None
    is_bad: bool = False


@dataclass(frozen=True)
class Tile:
    """`is_bad`: it wants a person. `url`: "" where nothing is to be seen. `permission`: whose page the link leads to; who may not see that sees no tile."""

    title: str
    number: str
    link: str
    url: str
    permission: str
    note: str = ""
    is_bad: bool = False
    spark: Spark | None = None
    parts: Sequence[Part] = field(default_factory=list)


def tiles(request: HttpRequest) -> list[Tile]:
    """Those that the person may see, in the order of what needs them most often."""
    found = figures()
    return [
        tile
        for tile in _tiles(found, may_retry=request.user.has_perm(MAY_ASK))
        if request.user.has_perm(tile.permission)
    ]


def _tiles(found: Figures, *, may_retry: bool) -> Iterator[Tile]:
    of_day = found.samples
    yield Tile(
        "Photos waiting", f"{found.pending:,}", "See the queue", f"{reverse(_JOBS)}?state=pending",
        "recommender.view_embeddingjob", "to be fetched and embedded", spark=_spark(of_day, lambda one: one.pending),
    )  # fmt: skip
    failed = sum(found.failed.values())
    yield Tile(
        "Photos failed", f"{failed:,}", "See all", f"{reverse(_JOBS)}?state=failed", "recommender.view_embeddingjob",
        "" if failed else "none: every photo that was tried is embedded", failed > 0,
        _spark(of_day, lambda one: one.failed), [
            Part(reason, f"{reverse(_JOBS)}?reason={reason}", f"{count:,}", reason if may_retry else None)
            for reason, count in found.failed.items()
        ],
    )  # fmt: skip
    troubled = sum(map(wants_a_person, found.feeds))
    yield Tile(
        "Feeds", f"{troubled} late or failed" if troubled else "in time" if found.feeds else "none yet", "See all feeds",
        reverse("admin:catalog_feed_changelist"), "catalog.view_feed", "", troubled > 0,
        _spark(of_day, lambda one: one.feeds_overdue), list(_feeds(found)),
    )  # fmt: skip
    yield Tile(
        "Products without a photo", f"{found.without_photo:,}", "See them", f"{reverse(_PRODUCTS)}?photos=none",
        "catalog.view_product", "published, and found by no search", found.without_photo > 0,
        _spark(of_day, lambda one: one.without_photo),
    )  # fmt: skip
    yield Tile(
        "Placeholders", f"{found.nothing_else:,}", "See the pictures",
        f"{reverse('admin:recommender_placeholder_changelist')}?is_placeholder__exact=1", "recommender.view_placeholder",
        f"products that show nothing else; {found.placeholders:,} pictures are placeholders", found.nothing_else > 0,
        _spark(of_day, lambda one: one.placeholders),
    )  # fmt: skip
    yield _of_recall(found)
    yield from _of_sample(found)


def _feeds(found: Figures) -> Iterator[Part]:
    for feed in found.feeds:
        said = feed.state or "never read"
        if feed.began_at is not None:
            said = f"{said}, {feed.began_at:%d %b %H:%M}"
        if feed.problems:
            said = f"{said}, {feed.problems:,} problems"
        name = ("catalog_feedrun", feed.run) if feed.run is not None else ("catalog_feed", feed.id)
        url = reverse(f"admin:{name[0]}_change", args=[name[1]])
        yield Part(feed.name, url, f"{said}, late" if feed.is_overdue else said, is_bad=wants_a_person(feed))


def _of_recall(found: Figures) -> Tile:
    worst = "" if found.worst is None else f"{found.worst:.1%} of {found.worst_queries:,} searches found under half"
    latest = found.recall[-1] if found.recall else None
    return Tile(
        "Live recall", "not measured yet" if latest is None else f"{latest:.1%}", "See the spaces",
        reverse("admin:recommender_space_changelist"), "recommender.view_space", worst,
        latest is not None and latest < settings.RECALL_WARN_BELOW,
        _line([100 * one for one in found.recall], "measurements", "{:.1f} %"),
    )  # fmt: skip


def _of_sample(found: Figures) -> Iterator[Tile]:
    """What a daily sample tells."""
    day = found.latest
    shared = None if day is None else day.shared_photos
    yield Tile(
        "Probable duplicates", "–" if shared is None else f"{shared:,}", "Decide on them", reverse("admin:recommender_duplicatecluster_changelist"),
        "recommender.view_duplicatecluster", "photos on several products that are no variants" if day else _NO_SAMPLE, bool(shared),
        _spark(found.samples, lambda one: one.shared_photos),
    )  # fmt: skip
    unjudged = "no score has a confidence yet" if day else _NO_SAMPLE
    asked = day is not None and day.asked > 0
    yield Tile(
        "Questions without a good answer", f"{day.unanswered / day.asked:.0%}" if day and asked else "–", "See some of them",
        _named(day.unanswered_products if day else ()), "catalog.view_product",
        f"{day.unanswered} of {day.asked} products have no similar item of a confidence of {GOOD:.0f}" if day and asked else unjudged,
        bool(day and day.unanswered),
        _spark([one for one in found.samples if one.asked], lambda one: 100 * one.unanswered / one.asked, "{:.0f} %"),
    )  # fmt: skip
    looked = day is not None and day.looked_for > 0
    yield Tile(
        "Products that no answer shows", f"{day.unshown / day.looked_for:.0%}" if day and looked else "–", "See some of them",
        _named(day.unshown_products if day else ()), "catalog.view_product",
        f"{day.unshown} of {day.looked_for} products that were looked for" if day and looked else unjudged,
        False,
        _spark([one for one in found.samples if one.looked_for], lambda one: 100 * one.unshown / one.looked_for, "{:.0f} %"),
    )  # fmt: skip


def _named(products: Sequence[int]) -> str:
    """The list of these products; "" of none."""
    return f"{reverse(_PRODUCTS)}?id__in={','.join(map(str, products))}" if products else ""


def _spark(
    samples: Sequence[DailySample], value: Callable[[DailySample], float], written: str = "{:,.0f}"
) -> Spark | None:
    return _line([value(one) for one in samples], "days", written)


def _line(values: Sequence[float], of: str, written: str) -> Spark | None:
    """None of fewer than two values."""
    if len(values) < 2:
        return None
    least, most = min(values), max(values)
    across, up = _WIDTH / (len(values) - 1), (_HEIGHT - 4) / ((most - least) or 1)
    heights = [_HEIGHT - 2 - up * (value - least) if most > least else _HEIGHT / 2 for value in values]
    points = " ".join(f"{number * across:.1f},{height:.1f}" for number, height in enumerate(heights))
    first, last = written.format(values[0]), written.format(values[-1])
    return Spark(points, f"From {first} to {last} over the last {len(values)} {of}")
