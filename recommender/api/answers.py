"""Answers as the API writes them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.http import HttpRequest
from rest_framework.request import Request

from catalog.parameters import Parameters
from recommender.index.parts import SCORE_DIGITS
from recommender.models import Space
from recommender.search.answers import Answer
from recommender.search.products import products_by_image
from recommender.search.ranking.base import Candidate


def parameters_of(request: HttpRequest | Request) -> Parameters:
    """The query string as lists of values."""
    return dict(request.GET.lists())


def answer_bytes(answer: Answer, began: float) -> tuple[bytes, Space | None]:
    """The JSON of an answer and its space; None when it may not be kept: one that is not ready may be so in a moment.

    `began`: time.perf_counter() when it was asked.
    """
    results = results_of([answer.found])[0]
    payload: dict[str, Any] = {
        "status": answer.status,
        "space": answer.space.name,
        "exact": answer.exact,
        "fallback": answer.fallback,
        "confidence_basis": answer.confidence_basis,
        "took_ms": round((time.perf_counter() - began) * 1000, 3),
        "query": answer.query,
        "results": results,
    }
    if answer.status == "failed":
        payload["reason"], payload["detail"] = answer.reason, answer.detail
    return orjson.dumps(payload, option=orjson.OPT_NON_STR_KEYS), answer.space if answer.status == "ready" else None


def results_of(pages: Sequence[Sequence[Candidate]]) -> list[list[Mapping[str, Any]]]:
    """The results of several pages, their products read by one query; what was hidden meanwhile is left out."""
    products = products_by_image({item.image_id for page in pages for item in page})
    return [
        [
            {
                "product": products[item.image_id],
                "image": item.image_id,
                "score": round(item.score, SCORE_DIGITS),
                "confidence": item.confidence,
                "distance": round(item.distance, SCORE_DIGITS),
                "scores": {"shape": _shown(item.shape), "color": _shown(item.colour)},
            }
            for item in page
            if item.image_id in products
        ]
        for page in pages
    ]


def _shown(cosine: float | None) -> float | None:
    return None if cosine is None else round(cosine, SCORE_DIGITS)
