"""`products/{id}/similar/`, `recommendations/` and `similar/batch/`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import orjson
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.access.drf import charge_up_to
from catalog.api.described import extend_schema
from catalog.api.json_view import as_sent
from catalog.api.parameter_schema import PRODUCT
from catalog.identifiers import ProductName, ids_of
from catalog.parameters import InvalidParameter, Parameters
from recommender.api import body_schema, schema
from recommender.api.answers import answer_bytes, fields_of, parameters_of, results_of
from recommender.api.base_view import SearchView, json_answer
from recommender.api.cached_answers import cached_or_made
from recommender.api.endpoints import tokens_of_search
from recommender.api.json_body import json_body
from recommender.models import Space
from recommender.search.answers import Answer
from recommender.search.filters import from_json, parse, parse_photo_id, parse_products
from recommender.search.query_products import product_id_of, product_ids
from recommender.search.similarity import recommend, similar_to_each, similar_to_product


class Similar(SearchView):
    """The products whose photos look most like one of this product's, each product once, by its best photo."""

    @extend_schema(
        operation_id="similar_products",
        tags=["search"],
        summary="What looks like this product",
        parameters=[PRODUCT, *schema.SEARCH, schema.IMAGE],
        responses={200: schema.AnswerSchema, **schema.problems(400, 404, 503)},
    )
    def get(self, request: Request, product: ProductName) -> Response:
        began = time.perf_counter()

        def make() -> tuple[bytes, Space | None]:
            parameters = parameters_of(request)
            fields = fields_of(parameters)
            options = parse(parameters, also=["image", "fields"])
            image = _image(parameters)
            answer = similar_to_product(product_id=product_id_of(product), options=options, image=image)
            return answer_bytes(answer, began, fields)

        return json_answer(cached_or_made(as_sent(request), make))


class Recommendations(SearchView):
    """One list for several products: what looks like the mean of `positive` less that of `negative`, without any of these."""

    @extend_schema(
        operation_id="recommendations",
        tags=["search"],
        summary="What looks like the likes and not like the dislikes",
        request=body_schema.RecommendationsRequest,
        responses={200: schema.AnswerSchema, **schema.problems(400, 404, 415, 422, 503)},
    )
    def post(self, request: Request) -> Response:
        began = time.perf_counter()
        body = json_body(as_sent(request))

        def make() -> tuple[bytes, Space | None]:
            positive = parse_products("positive", body.pop("positive", None), most=body_schema.MOST_IDS)
            negative = parse_products("negative", body.pop("negative", []), most=body_schema.MOST_IDS)
            if not positive:
                raise InvalidParameter("positive", "at least one product id is needed")
            parameters = {**parameters_of(request), **from_json(body)}
            fields = fields_of(parameters)
            options = parse(parameters, also=["fields"])
            charge_up_to(request, tokens_of_search(exact=options.exact))
            known = ids_of([*positive, *negative])
            answer = recommend(
                positive=product_ids(positive, known), negative=product_ids(negative, known), options=options
            )
            return answer_bytes(answer, began, fields)

        return json_answer(cached_or_made(as_sent(request), make))


class Batch(SearchView):
    """The answers of products/{id}/similar/ to many products in one request, all with the same filters."""

    @extend_schema(
        operation_id="similar_batch",
        tags=["search"],
        summary="What looks like each of up to 100 products",
        request=body_schema.BatchRequest,
        responses={200: schema.BatchAnswer, **schema.problems(400, 415, 503)},
    )
    def post(self, request: Request) -> Response:
        body = json_body(as_sent(request))

        def make() -> tuple[bytes, Space | None]:
            names = parse_products("products", body.pop("products", None), most=body_schema.MOST_IDS)
            if not names:
                raise InvalidParameter("products", "at least one product id is needed")
            parameters = {**parameters_of(request), **from_json(body)}
            fields = fields_of(parameters)
            options = parse(parameters, also=["fields"])
            for name, asked in (("min_results", options.min_results), ("diversity", options.diversity)):
                if asked:
                    raise InvalidParameter(name, "is for one product at a time: GET products/{id}/similar/")
            charge_up_to(request, tokens_of_search(exact=options.exact, products=len(names)))
            ids = ids_of(names)
            by_id = similar_to_each(product_ids=list(dict.fromkeys(ids.values())), options=options)
            answers = {name: by_id[ids[name]] for name in names if ids.get(name) in by_id}
            pages = results_of([answer.found for answer in answers.values()], fields)
            payload: dict[str, Any] = {
                "results": dict(zip(map(str, answers), pages, strict=True)),
                "confidence_basis": next(filter(None, (one.confidence_basis for one in answers.values())), None),
            }
            unknown = [name.written for name in names if name not in answers]
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
