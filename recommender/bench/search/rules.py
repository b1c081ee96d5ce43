"""What rules cost in the bench: cold answers with *in stock first* in force, and with no rule, in turns; and their recall."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from recommender.api.answers import answer_bytes
from recommender.bench.search.gallery import Gallery
from recommender.bench.search.peers import mean_recall, summary
from recommender.bench.search.truth import Numbers, likeness, nearest_by
from recommender.merchandising.rules import editing
from recommender.merchandising.rules.in_force import forget_rules
from recommender.models import Rule
from recommender.search.filters import SearchOptions
from recommender.search.similarity import similar_to_product

K = 10
_TURN = 25  # answers with the rule, then as many without, so that both meet the same machine


def measure(gallery: Gallery, judged: Sequence[int], queries: Sequence[int]) -> dict[str, Any]:
    """`stock_first_over_none_p50`: an answer with the rule against one without any, its products read too, in one process."""
    truth = [_in_stock(gallery, number) for number in judged]
    rule = editing.save(Rule(kind=Rule.Kind.STOCK_FIRST), by=None)
    forget_rules()
    _ask(queries[: 2 * _TURN], SearchOptions(limit=K))  # its statements are prepared
    with_rule: list[float] = []
    without: list[float] = []
    for start in range(0, len(queries) - 2 * _TURN + 1, 2 * _TURN):
        with_rule += _ask(queries[start : start + _TURN], SearchOptions(limit=K))[1]
        without += _ask(queries[start + _TURN : start + 2 * _TURN], SearchOptions(limit=K, rules=False))[1]
    found, _ = _ask(judged, SearchOptions(limit=K))
    rule.delete()
    forget_rules()
    return {
        "stock_first": summary(with_rule) | {"recall": mean_recall(found, truth)},
        "none": summary(without),
        "stock_first_over_none_p50": round(float(np.median(with_rule) / np.median(without)), 3),
    }


def _in_stock(gallery: Gallery, number: int) -> Numbers:
    """The K products in stock whose scores with a product are the highest, never itself. Every fifth is sold out."""
    scores = likeness(gallery, number)
    scores[::5] = -np.inf
    return nearest_by(scores, K)


def _ask(numbers: Sequence[int], options: SearchOptions) -> tuple[list[list[int]], list[float]]:
    """Products of each answer and its seconds."""
    found, seconds = [], []
    for number in numbers:
        began = time.perf_counter()
        answer = similar_to_product(product_id=number + 1, options=options)
        answer_bytes(answer, began)
        seconds.append(time.perf_counter() - began)
        found.append([one.product_id - 1 for one in answer.found])
    return found, seconds
