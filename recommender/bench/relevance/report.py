"""The bench's result as a Markdown page, and the dial's curve as a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recommender.bench.relevance.figures import METRICS
from recommender.bench.relevance.variants import VARIANTS
from recommender.evaluation.report.plots import Plot, curves

TITLES = {"p@1": "P@1", "p@10": "P@10", "map@50": "mAP@50"}
NAMES = {
    "histogram": "colour histogram (the floor)",
    "unframed": "PCA, photos unframed",
    "plain": "plain features",
    "first": "first space, nothing fitted",
    "pca": "PCA",
    "pca+colour": "PCA + colour",
    "learned": "learned",
    "learned+colour": "learned + colour",
}
PARTS = {"all": "all classes", "seen": "classes that were learned", "unseen": "classes that were not learned"}


def markdown(result: Mapping[str, Any], *, plot: str | None) -> str:
    """The whole report as one Markdown page."""
    space = result["space"]
    lines = [
        "# Relevance bench",
        "",
        f"{result['date']}, {result['machine']}. {result['encoder']}; {result['catalogue']}: {result['products']:,} products, "
        f"{result['photos']:,} of which ask and are found once a duplicate group; {result['queries']:,} asked.",
        f"Space {space['name']}: {space['dimensions']} dimensions, {space['color_dims']} of them colour, which weighs "
        f"{space['color_weight']:g}.",
        "",
        *("```", result["command"], "```", ""),
        *_targets(result["targets"]),
        *_answers(result),
        *_dial(result, plot),
        *_held_out(result["held_out"]),
        *_confidence(result["confidence"]),
        *_robustness(result["robustness"]),
    ]
    return "\n".join(lines).rstrip() + "\n"


def dial_plot(result: Mapping[str, Any]) -> Plot:
    """P@10 over the weight of colour, a line a label."""
    lines = {
        f"P@10 by {label}": [(one["weight"], one["p@10"][label][1]) for one in result["dial"]]
        for label in result["labels"]
        if label in result["dial"][0]["p@10"]
    }
    return curves(
        lines,
        title=f"P@10 over the weight of colour, {result['catalogue']}",
        across="weight of colour",
        marked=result["space"]["color_weight"],
    )


def _targets(found: Sequence[Mapping[str, Any]]) -> list[str]:
    if not found:
        return ["## Targets", "", "None applies: the catalogue is drawn, or has too few photos of a kind.", ""]
    lines = ["## Targets", "", "| target | value | limit | met |", "|---|---|---|---|"]
    lines += [
        f"| {one['target']} | {one['value']:g} | {one['limit']} | {'yes' if one['met'] else '**no**'} |"
        for one in found
    ]
    return [*lines, ""]


def _answers(result: Mapping[str, Any]) -> list[str]:
    lines = [
        "## Leave-one-out, no labels used",
        "",
        "Spaces answer by the product's own search through the index; histogram, plain and unframed features are compared "
        "exactly. Means with half their 95 % interval.",
        "",
    ]
    for label, ceiling in result["ceilings"].items():
        lines += [
            f"### By {label}: {ceiling['queries']:,} queries, {ceiling['classes']} classes",
            "",
            *_head("", [TITLES[metric] for metric in METRICS]),
        ]
        for name, by_label in result["contestants"].items():
            if label in by_label:
                lines.append(_row(NAMES[name], [_spread(by_label[label][metric]) for metric in METRICS]))
        lines += [_row("ceiling by class sizes", [f"{ceiling[metric]:.3f}" for metric in METRICS])]
        lines += ["", f"{ceiling['of_ten']:.0%} of the queries have ten others to find.", ""]
    return lines


def _dial(result: Mapping[str, Any], plot: str | None) -> list[str]:
    labels = [label for label in result["labels"] if label in result["dial"][0]["p@10"]]
    lines = ["## The dial: P@10 by the weight of colour, through the index", "", *_head("weight", labels)]
    for one in result["dial"]:
        lines.append(_row(f"{one['weight']:g}", [_spread(one["p@10"][label]) for label in labels]))
    return [*lines, "", *([f"![P@10 over the weight of colour]({plot})", ""] if plot else [])]


def _held_out(held_out: Mapping[str, Any]) -> list[str]:
    title = ["## Learned from the labels, judged on held-out photos by exact comparison", ""]
    if "skipped" in held_out:
        return [*title, f"Not built: {held_out['skipped']}", ""]
    space = held_out["space"]
    lines = [
        *title,
        f"Space {space['name']}: {space['dimensions']} dimensions, {space['color_dims']} of them colour; "
        f"{held_out['photos']:,} photos held out.",
        "",
    ]
    for label, parts in held_out["labels"].items():
        for part, figures in parts.items():
            lines += [
                f"### By {label}, {PARTS[part]}: {figures['queries']:,} queries",
                "",
                *_head("", [TITLES[metric] for metric in METRICS]),
            ]
            for name, values in figures["contestants"].items():
                lines.append(_row(NAMES[name], [_spread(values[metric]) for metric in METRICS]))
            low, mean, high = figures["gain"]
            lines += ["", f"Learned less PCA, mAP@50: {mean:+.3f} ({low:+.3f} to {high:+.3f}).", ""]
    return lines


def _confidence(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return []
    titles = [
        "weight",
        "products that ask",
        "answers",
        "alike",
        "calibration error",
        "answers of 40 to 60",
        "their confidence",
        "their share",
    ]
    lines = [
        "## Confidence: the first 50 answers to products it was not fitted on, through the index",
        "",
        *_head("space, labels", titles),
    ]
    for one in rows:
        middle = ["", ""] if one["share"] is None else [f"{one['confidence']:.3f}", f"{one['share']:.3f}"]
        cells = [
            f"{one['weight']:g}",
            f"{one['products']:,}",
            f"{one['answers']:,}",
            f"{one['alike']:.3f}",
            f"{one['error']:.3f}",
        ]
        lines.append(_row(f"{one['space']}, {one['labels']}", [*cells, f"{one['middle']:,}", *middle]))
    return [*lines, ""]


def _robustness(robustness: Mapping[str, Any]) -> list[str]:
    grounds = list(robustness)
    lines = [
        "## Changed photos: is the original the first answer?",
        "",
        *_head("changed", [f"{ground} ground, {robustness[ground]['photos']} photos" for ground in grounds]),
    ]
    for variant in VARIANTS:
        lines.append(_row(variant, [_spread(robustness[ground]["first"][variant]) for ground in grounds]))
    return [*lines, ""]


def _head(first: str, titles: Sequence[str]) -> list[str]:
    return [_row(first, titles), "|" + "---|" * (len(titles) + 1)]


def _row(first: str, cells: Sequence[str]) -> str:
    return f"| {' | '.join([first, *cells])} |"


def _spread(figure: Sequence[float]) -> str:
    low, mean, high = figure
    return f"{mean:.3f} ±{(high - low) / 2:.3f}"
