"""The JSON object of a request that writes: numbers as they were written, and nothing said twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, NoReturn

from django.http import HttpRequest

from catalog.api.problems import Problem, bad_parameter
from catalog.texts import printable

JSON_TYPE = "application/json"
_SHOWN = 100


class WrittenNumber(str):
    """A number as it was written: `0.10` stays that."""

    __slots__ = ()


class _Unusable(ValueError):
    """JSON that says something twice, or a number that is none."""


def exact_json(request: HttpRequest, *, most: int) -> Mapping[str, Any]:
    """The object in the body, of at most `most` bytes. Numbers are WrittenNumber.

    Raises Problem: 413 for a longer body, 415 for another type, 400 for no JSON object, or one with a member that stands twice.
    """
    if request.content_type != JSON_TYPE:
        raise Problem(415, detail=f"{request.content_type or 'no content type'}: send {JSON_TYPE}")
    if len(body := _read(request, most)) > most:
        raise Problem(413, detail=f"the body may have {most / 1024**2:.3g} MB; send less at a time")
    try:
        found = json.loads(
            body.decode(),
            parse_float=WrittenNumber,
            parse_int=WrittenNumber,
            parse_constant=_no_number,
            object_pairs_hook=_object,
        )
    except _Unusable as error:
        raise bad_parameter(str(error), "stands twice in one object, or is no number; say it once") from error
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Problem(400, "Not JSON", f"the body is no JSON: {why}") from error
    if not isinstance(found, dict):
        raise Problem(400, "Not an object", "the body must be a JSON object")
    return found


def _read(request: HttpRequest, most: int) -> bytes:
    """At most a byte more than `most`. request.body has a bound of its own, which is too small for a batch."""
    return request.read(most + 1)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        times = Counter(name for name, _ in pairs)
        raise _Unusable(printable(next(name for name, count in times.items() if count > 1))[:_SHOWN])
    return found


def _no_number(text: str) -> NoReturn:
    raise _Unusable(text)
