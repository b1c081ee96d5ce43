"""Which encoder is worth its cost: quality and speed of the small encoders side by side, in one run on one thread.

What decides the default: Lite2 in int8 must answer as its own fp32 does and cost what Lite0 costs in fp32.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.demo.drawing import KINDS, draw_product
from recommender.encoder.compile import compile_file, source_key
from recommender.encoder.preprocess import image_to_pixels, photo_to_pixels
from recommender.encoder.recipes import CURRENT
from recommender.encoder.registry import encoder_spec
from recommender.encoder.runtimes import LiteRTEncoder
from recommender.encoder.store import compiled_from
from recommender.models import Encoder

BASE, WHOLE, INT8 = "efficientnet-lite0", "efficientnet-lite2", "efficientnet-lite2-int8"
MOST_QUALITY_LOST, LEAST_SPEED = 0.005, 0.9
DRAWN_A_KIND, DRAWN_SIDE = 40, 320
ROUNDS, _PHOTOS_A_ROUND = 9, 20
POOLING = "gaussian"
DEPTH = 50  # of a ranking

Report = Callable[[str], None]
Pixels = Callable[[int, int], NDArray[np.uint8]]


def compare(
    feed: Path | None = None,
    *,
    drawn_a_kind: int = DRAWN_A_KIND,
    rounds: int = ROUNDS,
    report: Report = lambda line: None,
) -> dict[str, Any]:
    """Measure Lite0 fp32, Lite2 fp32 and Lite2 int8 on a labelled catalogue.

    `feed`: a CSV feed with image_link (relative to it) and product_type columns, or its folder; None: drawn products,
    `drawn_a_kind` of each kind.
    Answers: leave-one-out by category with plain features and cosine, P@10 and mAP@50. Speed: forward photos a second
    on one thread, the encoders in turn, median of the `rounds`. Encoders that Postgres does not hold are compiled for
    the occasion. `passes` says whether INT8 may be the default.
    """
    labels, pixels_of = _drawn(drawn_a_kind) if feed is None else _photos(feed)
    encoders = {name: _encoder(name, report) for name in (BASE, WHOLE, INT8)}
    rows: dict[str, dict[str, float]] = {}
    samples: dict[str, list[NDArray[np.uint8]]] = {}
    for name, encoder in encoders.items():
        report(f"{name}: features of {len(labels)} pictures")
        features = np.empty((len(labels), encoder.dimensions), np.float32)
        samples[name] = []
        for number in range(len(labels)):
            pixels = pixels_of(number, encoder.side)
            features[number] = encoder.features(pixels)
            if number % max(1, len(labels) // _PHOTOS_A_ROUND) == 0:
                samples[name].append(pixels)
        precision, average = leave_one_out(features, labels)
        rows[name] = {"p_at_10": precision, "map_at_50": average}
    for name, speed in _speeds(encoders, samples, rounds).items():
        rows[name] |= {"forward_per_second": speed, "milliseconds": 1000 / speed}
    for row in rows.values():
        row["speed_against_base"] = row["forward_per_second"] / rows[BASE]["forward_per_second"]
    lost = {measure: rows[WHOLE][measure] - rows[INT8][measure] for measure in ("p_at_10", "map_at_50")}
    return {
        "pictures": len(labels),
        "drawn": feed is None,
        "categories": len(np.unique(labels)),
        "pooling": POOLING,
        "encoders": rows,
        "quality_lost_by_int8": lost,
        "int8_speed_against_base": rows[INT8]["speed_against_base"],
        "passes": max(lost.values()) <= MOST_QUALITY_LOST and rows[INT8]["speed_against_base"] >= LEAST_SPEED,
    }


def table(result: dict[str, Any]) -> str:
    """The comparison as text for people."""
    kind = "drawn pictures" if result["drawn"] else "photos"
    lines = [
        f"encoders on {result['pictures']} {kind} of {result['categories']} categories, one thread, {result['pooling']} pooling",
        f"{'encoder':26} {'P@10':>6} {'mAP@50':>7} {'ms':>7} {'photos/s':>9} {'speed':>6}",
    ]
    for name, row in result["encoders"].items():
        lines.append(
            f"{name:26} {row['p_at_10']:6.3f} {row['map_at_50']:7.3f} {row['milliseconds']:7.2f} "
            f"{row['forward_per_second']:9.1f} {row['speed_against_base']:5.2f}×"
        )
    lost = result["quality_lost_by_int8"]
    lines.append(
        f"int8 loses {lost['p_at_10']:+.4f} P@10 and {lost['map_at_50']:+.4f} mAP@50 to its own fp32 (at most "
        f"{MOST_QUALITY_LOST}) at {result['int8_speed_against_base']:.2f}× the speed of {BASE} (at least {LEAST_SPEED}): "
        + ("it may be the default" if result["passes"] else "it may not be the default")
    )
    return "\n".join(lines)


def leave_one_out(features: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[float, float]:
    """Mean P@10 and mAP@50 over all rows as queries against all others, by cosine; relevant: the same label.

    features float32 (n, d), labels int64 (n,). AP@k = Σ P@i over the relevant ranks i ≤ k, divided by min(k, number of
    relevant) (Manning et al., Introduction to Information Retrieval, 8.4). Rows alone in their label are no queries.
    """
    units = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    similarity = units @ units.T
    np.fill_diagonal(similarity, -np.inf)
    depth = min(DEPTH, len(labels) - 1)
    ranked = np.argsort(-similarity, axis=1, kind="stable")[:, :depth]
    relevant = labels[ranked] == labels[:, None]
    total = np.array([np.count_nonzero(labels == label) - 1 for label in labels])
    precisions = np.cumsum(relevant, axis=1) / np.arange(1, depth + 1)
    asked = total > 0
    averages = (precisions * relevant).sum(1)[asked] / np.minimum(total, depth)[asked]
    return float(relevant[asked, :10].mean()), float(averages.mean())


def _speeds(
    encoders: dict[str, LiteRTEncoder], samples: dict[str, list[NDArray[np.uint8]]], rounds: int
) -> dict[str, float]:
    """Photos a second by name: the encoders take turns, so that what else the machine does hits them alike."""
    spent: dict[str, list[float]] = {name: [] for name in encoders}
    for round_number in range(rounds + 1):
        for name, encoder in encoders.items():
            started = time.perf_counter()
            for pixels in samples[name]:
                encoder.maps(pixels)
            if round_number:  # the first warms up
                spent[name].append((time.perf_counter() - started) / len(samples[name]))
    return {name: 1 / median(seconds) for name, seconds in spent.items()}


def _encoder(name: str, report: Report) -> LiteRTEncoder:
    spec = encoder_spec(name)
    source = source_key(spec, weights="imagenet", pooling=POOLING)
    if (row := compiled_from(source)) is not None:
        compiled = bytes(Encoder.objects.values_list("compiled", flat=True).get(pk=row.pk))
    else:
        compiled = compile_file(spec, weights="imagenet", pooling=POOLING, source=source, report=report).compiled
    return LiteRTEncoder(compiled, spec.side, spec.dimensions, POOLING, recipe=1)


def _photos(feed: Path) -> tuple[NDArray[np.int64], Pixels]:
    path = feed / "products.csv" if feed.is_dir() else feed
    with path.open(newline="", encoding="utf-8") as file:
        rows = [(row["image_link"], row["product_type"]) for row in csv.DictReader(file)]

    def pixels_of(number: int, side: int) -> NDArray[np.uint8]:
        with (path.parent / rows[number][0]).open("rb") as photo:
            return photo_to_pixels(photo, side=side, recipe=CURRENT)

    return _numbered([label for _, label in rows]), pixels_of


def _drawn(a_kind: int) -> tuple[NDArray[np.int64], Pixels]:
    products = [(kind, seed) for kind in KINDS for seed in range(a_kind)]

    def pixels_of(number: int, side: int) -> NDArray[np.uint8]:
        kind, seed = products[number]
        return image_to_pixels(draw_product(kind, seed, DRAWN_SIDE), side=side)

    return _numbered([kind for kind, _ in products]), pixels_of


def _numbered(labels: Sequence[str]) -> NDArray[np.int64]:
    return np.unique(np.array(labels), return_inverse=True)[1].astype(np.int64)
