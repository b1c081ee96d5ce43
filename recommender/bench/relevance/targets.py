"""What is promised of any catalogue, and whether the figures of a run keep it. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Of type and colour together, without labels: P@10 at the space's own weight over that of shape alone.
LEAST_OF_BOTH = 1.35
# What colour may cost P@10 by the first label, such as the type.
MOST_LOST = 0.025
# Shares of first answers after a canvas: of packshots on their border's colour, of photos on natural ground on white too.
PLAIN_CANVASES = {"canvas 2 ×, border's colour": 0.97, "canvas 4 ×, border's colour": 0.95}
NATURAL_CANVASES = {f"canvas {times} ×, {ground}": 0.85 for times in (2, 4) for ground in ("border's colour", "white")}
# Of fewer queries or photos a mean says little.
LEAST = 50
# The learned part against PCA on held-out photos, shapes alone: mAP@50 by one label; P@10 by the first of several.
LEAST_SEEN, LEAST_UNSEEN, LEAST_BY_FIRST = 0.04, -0.01, 0.02

# How far confidences may be from the share of answers that are alike; of fewer answers in the middle a share says little.
MOST_ERROR, LEAST_IN_MIDDLE = 0.05, 1000

Target = dict[str, Any]


def targets(result: Mapping[str, Any]) -> list[Target]:
    """Those that apply: drawn pictures are asked for robustness alone, they are too alike for the others."""
    found = [] if result["drawn"] else [*_by_colour(result), *_learned(result), *_confidence(result["confidence"])]
    return [*found, *_canvases(result["robustness"])]


def _by_colour(result: Mapping[str, Any]) -> list[Target]:
    contestants, labels = result["contestants"], result["labels"]
    first, last = labels[0], labels[-1]
    found = []
    asked = [label for label, one in result["ceilings"].items() if one["queries"] >= LEAST]
    if first in asked:
        shape, unframed = (contestants[name][first]["p@10"][1] for name in ("pca", "unframed"))
        found.append(_target(f"P@10 by {first}, shape alone, less that without framing", shape - unframed, 0))
    if len(labels) > 1 and first in asked and last in asked:
        whole, shape = (contestants[name] for name in ("pca+colour", "pca"))
        ratio = whole[last]["p@10"][1] / max(shape[last]["p@10"][1], 1e-9)
        found.append(_target(f"P@10 by {last}, own weight over shape alone", ratio, LEAST_OF_BOTH))
        lost = whole[first]["p@10"][1] - shape[first]["p@10"][1]
        found.append(_target(f"P@10 by {first}, own weight less shape alone", lost, -MOST_LOST))
    return found


def _learned(result: Mapping[str, Any]) -> list[Target]:
    labels = result["labels"]
    first, last = labels[0], labels[-1]
    found = []
    by_label = {
        label: {name: part for name, part in parts.items() if part["queries"] >= LEAST}
        for label, parts in result["held_out"].get("labels", {}).items()
    }
    parts, of_all = by_label.get(first, {}), by_label.get(last, {})
    if "unseen" in parts:
        gain = parts["unseen"]["gain"][1]
        found.append(_target(f"mAP@50 by {first}, learned less pca, unseen classes", gain, LEAST_UNSEEN))
    if len(labels) == 1 and "seen" in parts:
        found.append(
            _target(f"mAP@50 by {first}, learned less pca, seen classes", parts["seen"]["gain"][1], LEAST_SEEN)
        )
    if len(labels) > 1 and "all" in parts and "all" in of_all:
        shapes = parts["all"]["contestants"]
        gain = shapes["learned"]["p@10"][1] - shapes["pca"]["p@10"][1]
        found.append(_target(f"P@10 by {first}, learned less pca, held-out photos", gain, LEAST_BY_FIRST))
        whole = of_all["all"]["contestants"]
        if "learned+colour" in whole and "pca+colour" in whole:
            more = whole["learned+colour"]["p@10"][1] - whole["pca+colour"]["p@10"][1]
            found.append(_target(f"P@10 by {last}, learned + colour less pca + colour, held-out photos", more, 0))
    return found


def _confidence(rows: Sequence[Mapping[str, Any]]) -> list[Target]:
    found = []
    for one in rows:
        where = f"space {one['space']}, colour weight {one['weight']:g}"
        found.append(_at_most(f"expected calibration error, {where}", one["error"], MOST_ERROR))
        if one["middle"] >= LEAST_IN_MIDDLE:
            apart = abs(one["confidence"] - one["share"])
            found.append(_at_most(f"confidence 40 to 60 less its true share, {where}", apart, MOST_ERROR))
    return found


def _canvases(robustness: Mapping[str, Any]) -> list[Target]:
    return [
        _target(f"{variant}, first answer of {ground} ground", robustness[ground]["first"][variant][1], least)
        for ground, limits in (("plain", PLAIN_CANVASES), ("natural", NATURAL_CANVASES))
        if ground in robustness and robustness[ground]["photos"] >= LEAST
        for variant, least in limits.items()
    ]


def _at_most(name: str, value: float, most: float) -> Target:
    value = round(value, 4)
    return {"target": name, "value": value, "limit": f"≤ {most:g}", "met": value <= most}


def _target(name: str, value: float, least: float) -> Target:
    value = round(value, 4)  # as the figures are
    return {"target": name, "value": value, "limit": f"≥ {least:g}", "met": value >= least}
