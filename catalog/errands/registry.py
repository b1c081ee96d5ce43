"""Which function does which kind of errand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.module_loading import import_string

from catalog.models import Errand

# Told the stage, what is done of it, and the total.
Progress = Callable[[str, int, int], None]
# Does an errand and returns what came of it, as JSON.
Doer = Callable[[Errand, Progress], dict[str, Any]]

_KINDS: dict[str, str] = {
    "sample_feed": "catalog.feeds.sampling.sample_feed",
    "try_feed": "catalog.feeds.trying.try_feed",
}


class ErrandFailed(Exception):
    """It cannot be done; the text says why and what to do, and stands on the page."""


def register(kind: str, doer: str) -> None:
    """Have errands of a kind done by the function at this dotted path, which is imported when there is one."""
    _KINDS[kind] = doer


def doer(kind: str) -> Doer:
    """Raises ErrandFailed where no function is known."""
    if kind not in _KINDS:
        raise ErrandFailed(f"this version does nothing of the kind {kind!r}")
    found: Doer = import_string(_KINDS[kind])
    return found
