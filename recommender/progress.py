"""How work that takes long reports its progress: by calling a function with the stage, what is done and the total."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Reports to nobody."""
