"""One self-contained HTML page of a judgement: figures, plots, and rows of pictures to judge with one's own eyes.

What stands on it is gathered here; how it looks is in `recommender/templates/recommender/report`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.template.loader import render_to_string
from django.utils import timezone

from recommender.evaluation.contestants import all_features
from recommender.evaluation.dial import TENTHS, dial_curve
from recommender.evaluation.judging import Judgement
from recommender.evaluation.report import confidence, plots, tables
from recommender.evaluation.report.pictures import Pictures
from recommender.evaluation.report.plots import Plot
from recommender.evaluation.scores import METRICS
from recommender.models import Space
from recommender.progress import Progress, silent
from recommender.records.quality import ClassFigures, Figures, Quality

ROWS = 6  # of the best, the worst and the most changed queries
SHOWN = 10  # pictures a row


@dataclass(frozen=True)
class Row:
    """A row of figures, each [low, mean, high]. `queries`: how many they are means of, None where no column says it."""

    name: str
    figures: Sequence[Sequence[float]]
    queries: int | None = None


@dataclass(frozen=True)
class Table:
    """`head`: the titles of all columns."""

    head: Sequence[str]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Part:
    """The figures of all contestants over all queries, or over those of seen or of unseen classes."""

    title: str
    queries: int
    table: Table
    plots: Sequence[Plot]


@dataclass(frozen=True)
class HeldOut:
    """What the held-out photos say, in figures."""

    judged_by: str
    photos: int
    training_photos: int
    parts: Sequence[Part]
    ann_recall: float | None
    gains: Plot
    classes: Table
    labels_left_out: int


@dataclass(frozen=True)
class Picture:
    """`role`: query, same (class as the query) or other; names the CSS class. `label`: written below, "" for nothing."""

    url: str
    role: str
    label: str


@dataclass(frozen=True)
class Ranking:
    """A query and the first photos that a contestant answered."""

    contestant: str
    average_precision: float
    photos: Sequence[Picture]


@dataclass(frozen=True)
class Chapter:
    """Some queries that have something in common."""

    title: str
    rankings: Sequence[Ranking]


def render(judgement: Judgement, quality: Quality, live: Mapping[str, Figures], *, progress: Progress = silent) -> str:
    """The page as HTML with its pictures inside it.

    `quality`: its figures. `live`: leave-one-out figures by way of asking, empty for none.
    """
    context: dict[str, Any] = {
        "title": f"Space {judgement.space.name}",
        "facts": f"{_facts(judgement.space)}; {timezone.now():%Y-%m-%d %H:%M} UTC",
        "shrinkage": tables.shrinkage(judgement.space),
        "live": _contestants(live) if live else None,
        "calibration": confidence.sentences(judgement.space),
        "reliability": confidence.reliability_plot(judgement.space),
    }
    if judgement.scores:
        rival = "active" if "active" in judgement.scores else "plain"
        change = _precision(judgement, "space") - _precision(judgement, rival)
        title = f"Queries by change in AP@50 against the {tables.NAMES[rival]}"
        context |= {
            "held_out": held_out(quality, rival),
            "dial": _dial(judgement, progress),
            "changes": plots.histogram(change.tolist(), title),
            "chapters": _chapters(judgement, rival, change, progress),
            "shown": SHOWN,
        }
    return render_to_string("recommender/report/page.html", context)


def _facts(space: Space) -> str:
    return (
        f"{space.encoder.name}, projection {space.projection}"
        + (f" by {space.labels}" if space.labels else "")
        + (f", augmented by {space.augment}" if space.augment else "")
        + f", {tables.dimensions(space)}, {space.metric}"
    )


def held_out(quality: Quality, rival: str) -> HeldOut:
    """The figures of a judgement beside those of `rival`, a contestant that was judged with it."""
    by_labels = {" by all labels" if quality.each_label else "": quality.systems} | {
        f" by {label} alone": one.systems for label, one in quality.each_label.items()
    }
    gains = [
        (
            name,
            one.queries,
            one.systems["space"]["map@50"].mean - one.systems[rival]["map@50"].mean,
            one.seen is not False,
        )
        for name, one in quality.labels.items()
    ]
    return HeldOut(
        judged_by=quality.judged_by,
        photos=quality.photos,
        training_photos=quality.training_photos,
        parts=[
            _part(part, quality.queries[part], {name: values[part] for name, values in one.items()}, by)
            for by, one in by_labels.items()
            for part in tables.PARTS
            if part in one["space"]
        ],
        ann_recall=quality.ann_recall,
        gains=plots.gains(gains, f"mAP@50 less that of the {tables.NAMES[rival]}, class by class"),
        classes=_classes(quality.labels, rival),
        labels_left_out=quality.labels_left_out,
    )


def _dial(judgement: Judgement, progress: Progress) -> Plot | None:
    """P@10 over the weight of colour, by each label and by all of them; None where the space has no colour part."""
    space, photos = judgement.space, judgement.photos
    if not space.colour_dimensions:
        return None
    classes = {one.label: one.classes for one in photos.each} | {judgement.labels: photos.classes}
    lines: dict[str, list[tuple[float, float]]] = {f"by {label}": [] for label in classes}
    curve = dial_curve(
        space,
        all_features(space.encoder_id, photos.image_ids),
        queries=judgement.queries,
        classes=classes,
        # As judge() ranks: photos of one product are each other's answers where that is the label.
        groups=np.arange(len(photos)) if judgement.labels == "product" else photos.groups,
    )
    for number, (weight, figures) in enumerate(curve):
        for label, figure in figures.items():
            lines[f"by {label}"].append((weight, figure.mean))
        progress("ranking by weights of colour", number + 1, len(TENTHS))
    return plots.curves(
        lines,
        title="P@10 over the weight of colour, all classes",
        across="weight of colour; the dashed line is the space's own",
        marked=space.colour_weight,
    )


def _part(part: str, queries: int, systems: Mapping[str, Figures], by: str) -> Part:
    """`by`: which of several labels judge, in words; "" of a single one."""
    return Part(
        title=tables.PARTS[part].capitalize() + by,
        queries=queries,
        table=_contestants(systems),
        plots=[
            plots.bars(
                {name: values[metric] for name, values in systems.items()},
                tables.NAMES,
                f"{metric}, {tables.PARTS[part]}{by}",
            )
            for metric in ("map@50", "p@10")
        ],
    )


def _contestants(systems: Mapping[str, Figures]) -> Table:
    rows = [Row(tables.NAMES[name], [values[metric] for metric in METRICS]) for name, values in systems.items()]
    return Table(["", *METRICS], rows)


def _classes(labels: Mapping[str, ClassFigures], rival: str) -> Table:
    columns = [(metric, system) for metric in ("p@10", "map@50") for system in ("space", rival)]
    rows = [
        Row(
            name if one.seen is not False else f"{name} (unseen)",
            [one.systems[system][metric] for metric, system in columns],
            one.queries,
        )
        for name, one in labels.items()
    ]
    return Table(["class", "queries", *(f"{metric}, {tables.NAMES[system]}" for metric, system in columns)], rows)


def _precision(judgement: Judgement, contestant: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """AP@50 of each query, float64 (queries,)."""
    return judgement.scores[contestant].values["map@50"]


def _chapters(
    judgement: Judgement, rival: str, change: np.ndarray[Any, np.dtype[np.float64]], progress: Progress
) -> list[Chapter]:
    own = _precision(judgement, "space")
    both = ("space", rival)
    chosen = [
        ("Best answered", -own, ("space",)),
        ("Worst answered", own, ("space",)),
        (f"Most changed against the {tables.NAMES[rival]}", -np.abs(change), both),
    ]
    pictures = Pictures()
    chapters = []
    for number, (title, order, shown) in enumerate(chosen):
        queries = np.argsort(order, kind="stable")[:ROWS].tolist()
        rankings = [_ranking(judgement, pictures, query, contestant) for query in queries for contestant in shown]
        chapters.append(Chapter(title, rankings))
        progress("pictures of the report", number + 1, len(chosen))
    return chapters


def _ranking(judgement: Judgement, pictures: Pictures, query: int, contestant: str) -> Ranking:
    photos, asking = judgement.photos, int(judgement.queries[query])

    def picture(row: int, role: str, label: str) -> Picture:
        return Picture(pictures.url(int(photos.image_ids[row])), role, label)

    def name(row: int) -> str:
        return photos.names[int(photos.classes[row])]

    shown = [picture(asking, "query", name(asking))]
    for row in judgement.scores[contestant].ranked[query, :SHOWN].tolist():
        if row >= 0:
            same = photos.classes[row] == photos.classes[asking]
            shown.append(picture(row, "same", "") if same else picture(row, "other", name(row)))
    return Ranking(tables.NAMES[contestant], float(_precision(judgement, contestant)[query]), shown)
