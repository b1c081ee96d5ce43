"""What every reader of JSON bodies asks of one, whether it needs numbers as they are written or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

from catalog.api.problems import Problem

JSON_TYPE = "application/json"


def check_type(request: HttpRequest) -> None:
    """Raises Problem 415 where the body is said to be something else."""
    if request.content_type != JSON_TYPE:
        raise Problem(415, detail=f"{request.content_type or 'no content type'}: send {JSON_TYPE}")


def not_json(why: object) -> Problem:
    """400 for a body that cannot be read."""
    return Problem(400, "Not JSON", f"the body is no JSON: {why}")


def checked_object(body: Any) -> dict[str, Any]:
    """The body, where it is an object. Raises Problem 400."""
    if not isinstance(body, dict):
        raise Problem(400, "Not an object", "the body must be a JSON object")
    return body


def repeated(names: Iterable[str]) -> str:
    """The first of the names that stands more than once; "" where none does."""
    times = Counter(names)
    return next((name for name, count in times.items() if count > 1), "")
