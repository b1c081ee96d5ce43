"""An event loop in a thread of its own: Playwright leaves one running in the main thread, where no other may run then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class EventLoop:
    """A context manager; the loop runs while `run` waits for a coroutine, as that of `asyncio.Runner` does."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="event loop")
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._thread.submit(self._runner.run, coroutine).result()

    def call(self, function: Callable[[asyncio.AbstractEventLoop], T]) -> T:
        """What a function makes of the loop while it does not run, in its thread."""
        return self._thread.submit(lambda: function(self._runner.get_loop())).result()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, in a thread of its own."""
    with EventLoop() as loop:
        return loop.run(coroutine)
