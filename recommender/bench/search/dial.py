"""The dial from shape to colour in the bench: recall@10 and time at each tenth, and what the parts cost at the space's own weight."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from recommender.api.answers import answer_bytes
from recommender.bench.search.gallery import COLOUR_WEIGHT, Gallery
from recommender.bench.search.peers import mean_recall, summary
from recommender.bench.search.truth import Numbers, nearest_by
from recommender.evaluation.dial import TENTHS
from recommender.index.parts import weighing
from recommender.models import Space
from recommender.search.filters import SearchOptions
from recommender.search.similarity import similar_to_product
from recommender.spaces import active

K = 10
_TURN = 25  # answers with parts, then as many without, so that both meet the same machine


def measure(space: Space, gallery: Gallery, judged: Sequence[int], queries: Sequence[int]) -> dict[str, Any]:
    """`tenths`: recall against brute force and time of cold answers made in this process, their products read too.

    `own_over_plain_p50`: an answer at the space's own weight against one of the same vectors and index in a space without
    parts, in turns.
    """
    truth = [_truth(space, gallery, number) for number in judged]
    _ask(judged, None)
    tenths = []
    for place, weight in enumerate(TENTHS):
        found, seconds = _ask(judged, weight)
        tenths.append(
            {"weight": weight} | summary(seconds) | {"recall": mean_recall(found, [true[place] for true in truth])}
        )
    own, plain = _in_turns(space, queries)
    return {
        "own_weight": COLOUR_WEIGHT,
        "tenths": tenths,
        "own": summary(own),
        "plain": summary(plain),
        "own_over_plain_p50": round(float(np.median(own) / np.median(plain)), 3),
    }


def _truth(space: Space, gallery: Gallery, number: int) -> list[Numbers]:
    """Of each tenth the K products whose weighted cosines with a product are the highest, never itself."""
    found = []
    split = weighing(space, COLOUR_WEIGHT).split
    shapes, colours = gallery.vectors[:, :split], gallery.vectors[:, split:]
    shape = shapes @ shapes[number] / (np.linalg.norm(shapes, axis=1) * np.linalg.norm(shapes[number]))
    colour = colours @ colours[number] / (np.linalg.norm(colours, axis=1) * np.linalg.norm(colours[number]))
    for weight in TENTHS:
        scores = (1 - weight) * shape + weight * colour
        scores[number] = -np.inf
        found.append(nearest_by(scores, K))
    return found


def _ask(numbers: Sequence[int], weight: float | None) -> tuple[list[list[int]], list[float]]:
    """Products of each answer and its seconds; a weight of None is the space's own."""
    found, seconds = [], []
    options = SearchOptions(limit=K, color_weight=weight)
    for number in numbers:
        began = time.perf_counter()
        answer = similar_to_product(product_id=number + 1, options=options)
        answer_bytes(answer, began)
        seconds.append(time.perf_counter() - began)
        found.append([one.product_id - 1 for one in answer.found])
    return found, seconds


def _in_turns(space: Space, numbers: Sequence[int]) -> tuple[list[float], list[float]]:
    """Seconds with parts and without: the space's row says for a while that there are none."""
    seconds: dict[int, list[float]] = {space.colour_dimensions: [], 0: []}
    try:
        for start in range(0, len(numbers), 2 * _TURN):
            for place, size in enumerate((space.colour_dimensions, 0)):
                Space.objects.filter(pk=space.pk).update(colour_dimensions=size)
                active.forget_active_space()
                mine = numbers[start + place * _TURN : start + (place + 1) * _TURN]
                _ask(mine[:1], None)  # reads the space's row and prepares the statements
                seconds[size] += _ask(mine[1:], None)[1]
    finally:
        Space.objects.filter(pk=space.pk).update(colour_dimensions=space.colour_dimensions)
        active.forget_active_space()
    return seconds[space.colour_dimensions], seconds[0]
