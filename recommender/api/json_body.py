"""The JSON object in a request's body."""

from __future__ import annotations

import json
from typing import Any

import orjson
from django.http import HttpRequest

from catalog.api.json_objects import check_type, checked_object, not_json, repeated
from catalog.api.problems import bad_parameter
from catalog.texts import printable

_FEW_MEMBERS = 50  # as many as a body has that uses every parameter there is


def json_body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of a request. Raises Problem: 415 for another type, 400 for no object or a member that stands twice."""
    check_type(request)
    try:
        body = checked_object(orjson.loads(request.body))
    except orjson.JSONDecodeError as error:
        raise not_json(error) from error
    if twice := _standing_twice(request.body, body):
        raise bad_parameter(printable(twice)[:100], "stands twice in the body, and only one of the two would count")
    return body


def _standing_twice(written: bytes, body: dict[str, Any]) -> str:
    """The name of a member that is written more than once, of which `body` has the last value only; "" where none is.

    A body of few members is parsed again only where a name occurs twice anywhere in its text. One of many members is parsed
    again at once: searching the text for each name would take as long as the square of their number.
    """
    if len(body) <= _FEW_MEMBERS and all(written.count(orjson.dumps(name)) < 2 for name in body):
        return ""
    members: list[tuple[str, Any]] = []

    def keep(pairs: list[tuple[str, Any]]) -> None:
        members[:] = pairs  # objects within objects are closed first, so the outermost one is kept

    try:
        json.loads(written, object_pairs_hook=keep)
    except (ValueError, RecursionError):
        return ""  # Python's parser takes less than orjson; the parameter with such a value is refused by its name
    return repeated(name for name, _ in members)
