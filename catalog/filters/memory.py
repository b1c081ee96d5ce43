"""What filters look up in tables that seldom change, remembered by the process for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar, TypeVarTuple

from django.db import connection

SECONDS = 1.0
_MOST = 1024  # results of one function

Arguments = TypeVarTuple("Arguments")
R = TypeVar("R")


def remembered(
    read: Callable[[*Arguments], R], *, seconds: float = SECONDS, most: int = _MOST
) -> Callable[[*Arguments], R]:
    """`read`, asked again for the same arguments only after so many seconds; they must be hashable. `most`: results that are kept.

    Inside a transaction it is always asked, for a transaction sees what others do not. What it raises is not remembered.
    """

    @lru_cache(maxsize=most)
    def kept(period: int, *arguments: *Arguments) -> R:
        return read(*arguments)

    @wraps(read)
    def reading(*arguments: *Arguments) -> R:
        if connection.in_atomic_block:
            return read(*arguments)
        return kept(int(time.monotonic() / seconds), *arguments)

    return reading
