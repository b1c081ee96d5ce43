"""`products/{id}/similar/`, `recommendations/` and `similar/batch/`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import orjson
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.access.drf import charge_up_to
from catalog.parameters import InvalidParameter, Parameters
from recommender.api import schema
from recommender.api.answers import answer_bytes, parameters_of, results_of
from recommender.api.base_view import SearchView, as_sent, json_answer
from recommender.api.cached_answers import cached_or_made
from recommender.api.endpoints import tokens_of_search
from recommender.api.json_body import json_body
from recommender.models import Space
from recommender.search.answers import Answer
from recommender.search.filters import from_json, parse, parse_ids, parse_photo_id
from recommender.search.similarity import recommend, similar_to_each, similar_to_product

MOST_IDS = 100


class Similar(SearchView):
    """The products whose photos look most like one of this product's, each product once, by its best photo."""

    @extend_schema(
        operation_id="similar_products",
        summary="What looks like this product",
        parameters=[*schema.SEARCH, schema.IMAGE],
        responses={200: schema.AnswerSchema, **schema.problems(400, 404, 503)},
    )
    def get(self, request: Request, product_id: int) -> Response:
        began = time.perf_counter()

        def make() -> tuple[bytes, Space | None]:
            parameters = parameters_of(request)
            options = parse(parameters, also=["image"])
            image = _image(parameters)
            return answer_bytes(similar_to_product(product_id=product_id, options=options, image=image), began)

        return json_answer(cached_or_made(as_sent(request), make))


class Recommendations(SearchView):
    """One list for several products: what looks like the mean of `positive` less that of `negative`, without any of these."""

    @extend_schema(
        operation_id="recommendations",
        summary="What looks like the likes and not like the dislikes",
        request=schema.RecommendationsRequest,
        responses={200: schema.AnswerSchema, **schema.problems(400, 404, 415, 422, 503)},
    )
    def post(self, request: Request) -> Response:
        began = time.perf_counter()
        body = json_body(as_sent(request))

        def make() -> tuple[bytes, Space | None]:
            positive = parse_ids("positive", body.pop("positive", None), most=MOST_IDS)
            negative = parse_ids("negative", body.pop("negative", []), most=MOST_IDS)
            if not positive:
                raise InvalidParameter("positive", "at least one product id is needed")
            options = parse({**parameters_of(request), **from_json(body)})
            charge_up_to(request, tokens_of_search(exact=options.exact))
            return answer_bytes(recommend(positive=positive, negative=negative, options=options), began)

        return json_answer(cached_or_made(as_sent(request), make))


class Batch(SearchView):
    """The answers of products/{id}/similar/ to many products in one request, all with the same filters."""

    @extend_schema(
        operation_id="similar_batch",
        summary="What looks like each of up to 100 products",
        request=schema.BatchRequest,
        responses={200: schema.BatchAnswer, **schema.problems(400, 415, 503)},
    )
    def post(self, request: Request) -> Response:
        body = json_body(as_sent(request))

        def make() -> tuple[bytes, Space | None]:
            ids = parse_ids("products", body.pop("products", None), most=MOST_IDS)
            if not ids:
                raise InvalidParameter("products", "at least one product id is needed")
            options = parse({**parameters_of(request), **from_json(body)})
            for name, asked in (("min_results", options.min_results), ("diversity", options.diversity)):
                if asked:
                    raise InvalidParameter(name, "is for one product at a time: GET products/{id}/similar/")
            charge_up_to(request, tokens_of_search(exact=options.exact, products=len(ids)))
            answers = similar_to_each(product_ids=ids, options=options)
            pages = results_of([answer.found for answer in answers.values()])
            payload: dict[str, Any] = {
                "results": dict(zip(map(str, answers), pages, strict=True)),
                "confidence_basis": next(filter(None, (one.confidence_basis for one in answers.values())), None),
            }
            unknown = [product_id for product_id in ids if product_id not in answers]
            waiting = {str(key): answer.status for key, answer in answers.items() if answer.status != "ready"}
            if query := {**options.filters.named, **_color_weight(answers.values())}:
                payload["query"] = query
            if unknown:
                payload["unknown"] = unknown
            if waiting:
                payload["waiting"] = waiting
            spaces = {answer.space.pk: answer.space for answer in answers.values()}
            lasting = len(spaces) == 1 and not waiting
            return orjson.dumps(payload), next(iter(spaces.values())) if lasting else None

        return json_answer(cached_or_made(as_sent(request), make))


def _color_weight(answers: Iterable[Answer]) -> dict[str, object]:
    """How much colour counted in all of them; nothing where none counted colour."""
    return next(({"color_weight": one.query["color_weight"]} for one in answers if "color_weight" in one.query), {})


def _image(parameters: Parameters) -> int | str | None:
    if parameters.get("image") == ["all"]:
        return "all"
    return parse_photo_id(parameters, "image", needed="the id of one of the product's photos, or all, is needed")
