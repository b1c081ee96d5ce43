"""Spaces and their figures as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recommender.evaluation.scores import METRICS
from recommender.models import Space
from recommender.records.quality import ClassFigures, Figures, Quality
from recommender.records.reading import Interval

NAMES = {
    "space": "this space",
    "shape": "its shape part alone",
    "colour": "its colour part alone",
    "active": "active space",
    "active_shape": "active shape part",
    "pca": "pca, refitted",
    "plain": "plain encoder",
    "histogram": "colour histogram",
    "index": "through the index",
    "exact": "by exact search",
}
MOST_LABELS = 30  # on a terminal; the JSON and the page have more
PARTS = {"overall": "all classes", "seen": "seen classes", "unseen": "unseen classes"}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need; the first one to the left, figures to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (head, *rows)
    ]
    return "\n".join([lines[0].rstrip(), "-" * len(lines[0]), *(line.rstrip() for line in lines[1:])])


def spaces(found: Sequence[Mapping[str, Any]]) -> str:
    """`spaces list`."""
    if not found:
        return "no space yet: `manage.py compile_encoder` makes the first"
    head = [
        "name",
        "state",
        "encoder",
        "projection",
        "dims",
        "index",
        "photos",
        "recall",
        "P@10",
        "mAP@50",
        "size",
        "age",
    ]
    rows = [
        [
            space["name"],
            space["state"],
            space["encoder"],
            space["projection"]
            + (f" ({space['labels']})" if space["labels"] else "")
            + (f" +{space['augment']}" if space["augment"] else ""),
            str(space["dims"]) + _colour(space["color_dims"], space["color_weight"]),
            f"{space['index']} {space['metric']}",
            f"{space['photos']:,}",
            _figure(space["recall"]),
            _figure((space["quality"] or {}).get("p@10")),
            _figure((space["quality"] or {}).get("map@50")),
            size(space["bytes"]),
            age(space["age_seconds"]),
        ]
        for space in found
    ]
    proposals = [
        f"{space['name']}: {space['drift']['proposal']}" for space in found if (space["drift"] or {}).get("proposal")
    ]
    return "\n".join([table(head, rows), *proposals])


def dimensions(space: Space) -> str:
    """`256 dimensions (color 64 × 0.18)`: of them colour, and its weight."""
    return f"{space.dimensions} dimensions{_colour(space.colour_dimensions, space.colour_weight)}"


def quality(figures: Quality) -> str:
    """The table of a judgement: a block for each part, means with half their 95 % interval."""
    systems = figures.systems
    if not systems:
        return f"Not judged: no two held-out photos share a label ({figures.judged_by})."
    parts = [part for part in PARTS if part in systems["space"]]
    lines = [
        f"Held-out photos by {figures.judged_by}: {figures.photos} in the gallery, {figures.training_photos} to learn from."
    ]
    shown = parts if len(parts) > 2 else parts[:1]
    for part in shown:
        by = " by all labels" if figures.each_label else ""
        lines += _block(f"{PARTS[part]}{by}, {figures.queries[part]} queries", part, systems)
    for label, one in figures.each_label.items():
        for part in shown:
            lines += _block(f"{PARTS[part]} by {label} alone, {figures.queries[part]} queries", part, one.systems)
    lines += ["", by_label(figures.labels), ""]
    if left_out := max(0, len(figures.labels) - MOST_LABELS) + figures.labels_left_out:
        lines += [f"{left_out} smaller classes are not shown; --json lists the largest {len(figures.labels)}.", ""]
    compared = {"": figures.differences} | {
        f" by {label} alone": one.differences for label, one in figures.each_label.items()
    }
    for by, differences in compared.items():
        for other, changes in differences.items():
            for part in parts if other == "pca" and len(parts) > 1 else parts[:1]:
                lines.append(f"mAP@50 against {NAMES[other]}, {PARTS[part]}{by}: {with_sign(changes[part])}")
    if figures.ann_recall is not None:
        lines.append(f"ANN recall@10 of the index (not relevance): {figures.ann_recall:.3f}")
    return "\n".join(lines)


def shrinkage(space: Space) -> str:
    """How strongly a learned space learns, and by what that was chosen; "" of another, or of an earlier version's."""
    chosen = space.fit.shrinkage if space.fit else None
    if chosen is None:
        return ""
    measured = [(chosen.seen, "classes seen"), (chosen.unseen, "classes left out")]
    changes = [f"{with_sign(one)} on {classes}" for one, classes in measured if one is not None]
    against = f": mAP@50 against {NAMES['pca']} {', '.join(changes)}" if changes else ""
    return f"Shrinkage {chosen.value:g}, chosen on {chosen.photos:,} photos by leaving classes out {chosen.draws} times{against}"


def by_label(labels: Mapping[str, ClassFigures]) -> str:
    """P@10 and mAP@50 of the largest classes with half their 95 % interval, the space's beside the plain encoder's."""
    rows = [
        [
            name + ("" if one.seen is not False else " (unseen)"),
            str(one.queries),
            *(
                with_spread(one.systems[system][metric])
                for metric in ("p@10", "map@50")
                for system in ("space", "plain")
            ),
        ]
        for name, one in list(labels.items())[:MOST_LABELS]
    ]
    return table(["class", "queries", "P@10", "plain", "mAP@50", "plain"], rows)


def live(scores: Mapping[str, Figures]) -> str:
    """Leave-one-out figures by way of asking."""
    rows = [[NAMES[way], *(with_spread(values[metric]) for metric in METRICS)] for way, values in scores.items()]
    return table(["", *METRICS], rows)


def with_spread(one: Interval) -> str:
    """`.702 ±.012`: the mean and half of its interval."""
    return f"{one.mean:.3f} ±{(one.high - one.low) / 2:.3f}"


def with_sign(one: Interval) -> str:
    """`+0.059 (95 %: +0.052 to +0.066)`: a difference and its interval."""
    return f"{one.mean:+.3f} (95 %: {one.low:+.3f} to {one.high:+.3f})"


def size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit in ("B", "kB") else f"{count:.1f} {unit}"


def age(seconds: float) -> str:
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _block(title: str, part: str, systems: Mapping[str, Mapping[str, Figures]]) -> list[str]:
    """The figures of all contestants over a part of the queries."""
    rows = [
        [NAMES[name], *(with_spread(values[part][metric]) for metric in METRICS)] for name, values in systems.items()
    ]
    return [f"\n{title}", table(["", *METRICS], rows)]


def _colour(dimensions: int, weight: float | None) -> str:
    """` (color 64 × 0.18)` of a space with a colour part: its share of the dimensions and of a score."""
    return f" (color {dimensions} × {weight:g})" if dimensions else ""


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
