"""Answers as the API writes them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.http import HttpRequest
from rest_framework.request import Request

from catalog.fields import FOUND_PRODUCT, Fields, part_of, pick, read_fields
from catalog.parameters import Parameters
from catalog.tracking import without_tracking
from recommender.index.parts import SCORE_DIGITS
from recommender.models import Space
from recommender.search.answers import Answer
from recommender.search.products import products_by_image
from recommender.search.ranking.base import Candidate

# Of a result, beside its product.
RESULT_FIELDS: Fields = {
    **dict.fromkeys(("image", "score", "confidence", "distance")),
    "scores": dict.fromkeys(("shape", "color")),
    "rule": dict.fromkeys(("id", "kind")),
}


def parameters_of(request: HttpRequest | Request) -> Parameters:
    """The query string as lists of values, without what tracks visitors."""
    return without_tracking(dict(request.GET.lists()))


def fields_of(parameters: Parameters) -> Fields | None:
    """What a caller wants of each result and its product; None: all. Raises InvalidParameter."""
    return read_fields(parameters, FOUND_PRODUCT, RESULT_FIELDS)


def answer_bytes(answer: Answer, began: float, fields: Fields | None = None) -> tuple[bytes, Space | None]:
    """The JSON of an answer and its space; None when it may not be kept: one that is not ready may be so in a moment.

    `began`: time.perf_counter() when it was asked. `fields`: of `fields_of`.
    """
    results = results_of([answer.found], fields)[0]
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


def results_of(pages: Sequence[Sequence[Candidate]], fields: Fields | None) -> list[list[Mapping[str, Any]]]:
    """The results of several pages, their products read by one query; what was hidden meanwhile is left out."""
    of_product = part_of(fields, FOUND_PRODUCT)
    of_result = part_of(fields, RESULT_FIELDS)
    if of_result is not None and of_product:
        of_result = {"product": None, **of_result}
    products = products_by_image({item.image_id for page in pages for item in page}, of_product)
    return [
        [pick(_result(item, products[item.image_id]), of_result) for item in page if item.image_id in products]
        for page in pages
    ]


def _result(item: Candidate, product: Mapping[str, Any]) -> dict[str, Any]:
    result = {
        "product": product,
        "image": item.image_id,
        "score": round(item.score, SCORE_DIGITS),
        "confidence": item.confidence,
        "distance": round(item.distance, SCORE_DIGITS),
        "scores": {"shape": _shown(item.shape), "color": _shown(item.colour)},
    }
    if item.rule is not None:
        result["rule"] = {"id": item.rule.id, "kind": item.rule.kind}
    return result


def _shown(cosine: float | None) -> float | None:
    return None if cosine is None else round(cosine, SCORE_DIGITS)
