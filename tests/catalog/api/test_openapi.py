"""What generators of clients need of the schema, of every operation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import jsonschema
import pytest
from django.core.management import call_command
from pytest_django import Settings

WITHOUT_BODY = ("414", "431")  # of the HTTP server, before anything of ours is asked
JSON, FORM, PROBLEM = "application/json", "multipart/form-data", "application/problem+json"
UPLOADS = {
    "POST /api/v1/search/image/",
    "POST /api/v1/products/{product}/images/",
    "PUT /api/v1/products/{product}/images/{image}/",
}


def made() -> dict[str, Any]:
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", stdout=out)
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return made()


@pytest.fixture(scope="module")
def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By method and path."""
    return {
        f"{method.upper()} {path}": one
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    }


def shapes(part: Any) -> Iterator[dict[str, Any]]:
    """Every object within a part of the document."""
    if isinstance(part, list):
        for one in part:
            yield from shapes(one)
    elif isinstance(part, dict):
        yield part
        for one in part.values():
            yield from shapes(one)


def test_bodies_are_of_the_types_that_are_taken(operations: dict[str, dict[str, Any]]) -> None:
    types = {name: set(one["requestBody"]["content"]) for name, one in operations.items() if "requestBody" in one}
    assert types == {name: {JSON, FORM} if name in UPLOADS else {JSON} for name in types}
    assert types.keys() >= UPLOADS
    assert all(one["requestBody"]["required"] for one in operations.values() if "requestBody" in one)


def test_files_are_bytes(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("PhotoUpload", "UploadedPhoto"):
        assert schemas[name]["properties"]["image"] == {"type": "string", "format": "binary"}
    assert schemas["UploadedPhotos"]["properties"]["image"]["items"] == {"type": "string", "format": "binary"}


def test_errors_are_problem_details_and_good_answers_json(operations: dict[str, dict[str, Any]]) -> None:
    for name, one in operations.items():
        for status, response in one["responses"].items():
            content = response.get("content", {})
            if status in WITHOUT_BODY:
                assert content == {}, (name, status)
            elif int(status) >= 400:
                assert set(content) == {PROBLEM}, (name, status)
                assert content[PROBLEM]["schema"] == {"$ref": "#/components/schemas/Problem"}, (name, status)
            else:
                assert set(content) == (set() if status in ("204", "304") else {JSON}), (name, status)
            assert response["description"], (name, status)


def test_every_operation_says_how_it_refuses_and_what_is_left(operations: dict[str, dict[str, Any]]) -> None:
    for name, one in operations.items():
        responses = one["responses"]
        assert {"401", "403", "429", "503"} <= responses.keys(), name
        assert "WWW-Authenticate" in responses["401"]["headers"], name
        assert "Retry-After" in responses["429"]["headers"] and "Retry-After" in responses["503"]["headers"], name
        assert all(
            {"RateLimit", "RateLimit-Policy", "X-Request-ID"} <= each["headers"].keys()
            for status, each in responses.items()
            if status not in WITHOUT_BODY
        ), name


def test_answers_that_may_be_kept_say_how_to_ask_whether_they_are_still_right(
    operations: dict[str, dict[str, Any]],
) -> None:
    kept = {name for name, one in operations.items() if "304" in one["responses"]}
    reading = {name for name in operations if name.startswith("GET ")}
    assert kept == reading - {"GET /api/v1/status/"}
    for name in kept:
        assert "If-None-Match" in {parameter["name"] for parameter in operations[name]["parameters"]}
        assert all("ETag" in operations[name]["responses"][status]["headers"] for status in ("200", "304"))


def test_every_filter_is_typed_in_queries_and_in_bodies(
    document: dict[str, Any], operations: dict[str, dict[str, Any]]
) -> None:
    query = {one["name"]: one for one in operations["GET /api/v1/products/{product}/similar/"]["parameters"]}
    for name in ("RecommendationsRequest", "BatchRequest", "PhotoUrl"):
        members = document["components"]["schemas"][name]["properties"]
        for filter_ in ("brand", "category", "currency", "in_stock", "min_price", "max_price", "limit", "color_weight"):
            assert query[filter_]["schema"].items() <= members[filter_].items(), (name, filter_)
        assert members["attributes"]["type"] == "object"
        assert [each["type"] for each in members["exclude"]["items"]["oneOf"]] == ["integer", "string"]
        assert document["components"]["schemas"][name]["additionalProperties"] is False
    assert query["attributes"]["style"] == "form" and query["attributes"]["explode"] is True
    assert query["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100}
    assert not [name for name in query if name.startswith("attr.")]


def test_numbers_of_rows_are_long_ones(document: dict[str, Any]) -> None:
    for name in ("Product", "Image", "AnswerProduct", "WrittenProduct", "WrittenImage", "ProductChanges"):
        shape = document["components"]["schemas"][name]["properties"]["id"]
        assert (shape["format"], shape["minimum"], shape["maximum"]) == ("int64", 1, 2**63 - 1), name


def test_no_default_is_sent_that_a_caller_did_not_choose(document: dict[str, Any]) -> None:
    """Generated clients send a default as if it were given, and `page` does not go with `cursor`."""
    assert [one for one in shapes(document["paths"]) if "default" in one] == []


def test_the_document_is_for_a_storefronts_developer(
    document: dict[str, Any], operations: dict[str, dict[str, Any]]
) -> None:
    told = document["info"]["description"]
    for heading in ("Filters", "Keys", "Errors", "Limits", "Caching"):
        assert f"## {heading}\n" in told
    tags = {tag["name"] for tag in document["tags"] if tag["description"]}
    assert {tag for one in operations.values() for tag in one["tags"]} == tags
    assert all(one["summary"] for one in operations.values())
    names = [one["operationId"] for one in operations.values()]
    assert len(names) == len(set(names)) and all(name.isidentifier() and name.islower() for name in names)
    texts = [str(one[name]) for one in shapes(document) for name in ("description", "summary") if name in one]
    assert [text for text in texts if "Django" in text or "view" in text.lower().split()] == []
    assert document["security"] == [{}, {"key": []}, {"publishableKey": []}]


@pytest.mark.parametrize("url", ["", "https://looks.example"])
def test_the_server_is_the_public_url(settings: Settings, url: str) -> None:
    settings.PUBLIC_URL = url
    assert [server["url"] for server in made()["servers"]] == [url or "/"]


def test_examples_are_what_the_schema_says(document: dict[str, Any]) -> None:
    found = 0
    for one in shapes(document["paths"]):
        examples = [each["value"] for each in one.get("examples", {}).values()]
        for example in examples + ([one["example"]] if "schema" in one and "example" in one else []):
            whole = plain({**one["schema"], "components": document["components"]})
            jsonschema.Draft7Validator(whole).validate(example)
            found += 1
    assert found > 100


def plain(part: Any) -> Any:
    """The shape in JSON Schema, which has no `nullable`. Beside `$ref` nothing counts there, so it is wrapped."""
    if isinstance(part, list):
        return [plain(one) for one in part]
    if not isinstance(part, dict):
        return part
    shape = {name: plain(one) for name, one in part.items() if name != "nullable"}
    if "$ref" in shape:
        shape = {"allOf": [{"$ref": shape.pop("$ref")}], **shape}
    return {"anyOf": [shape, {"type": "null"}]} if part.get("nullable") is True else shape
