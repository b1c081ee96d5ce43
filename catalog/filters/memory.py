"""What filters look up in tables that seldom change, remembered by the process for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

from django.db import connection

SECONDS = 1.0
_MOST = 1024  # of one function

P = ParamSpec("P")
R = TypeVar("R")


def remembered(read: Callable[P, R]) -> Callable[P, R]:
    """`read` at most about once a second for the same arguments, which must be hashable, and result, which is shared.

    Inside a transaction it is read anew, for that sees what others do not.
    """

    @lru_cache(maxsize=_MOST)
    def kept(period: int, *args: Hashable) -> R:
        return read(*args)  # type: ignore[call-arg, arg-type]

    @wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return read(*args, **kwargs)
        return kept(int(time.monotonic() / SECONDS), *args)  # type: ignore[arg-type]

    return reading
