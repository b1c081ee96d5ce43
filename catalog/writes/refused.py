"""Why a change was not made, as problem details."""

from __future__ import annotations

from typing import Any

from catalog.api.problems import Problem, away, busy, photo_problem
from catalog.changes.refusals import Refused
from catalog.photos.reading import PhotoError
from catalog.photos.storage_errors import StorageUnavailable

_STATUS = {"unknown": 404, "taken": 409, "moved": 412, "undone": 424}


def problem_of(error: Refused | PhotoError | StorageUnavailable) -> Problem:
    """The answer to who asked for the change. One with members that are wrong lists all in `errors`."""
    if isinstance(error, PhotoError):
        return photo_problem(error)
    if isinstance(error, StorageUnavailable):
        return away(str(error))
    if error.reason == "busy":
        return busy(str(error))
    if error.reason != "invalid":
        return Problem(_STATUS[error.reason], detail=str(error))
    if not error.errors:
        return Problem(400, detail=str(error))
    first, *others = error.errors
    more = f" (and {len(others)} more; see errors)" if others else ""
    extra: dict[str, Any] = {"errors": [{"parameter": one.member, "detail": one.detail} for one in error.errors]}
    return Problem(400, "Bad parameter", f"{first.member}: {first.detail}{more}", parameter=first.member, **extra)
