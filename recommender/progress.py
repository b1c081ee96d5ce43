"""How long work says how far it is: a function of stage, done and total."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """For those who do not ask."""
