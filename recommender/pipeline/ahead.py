"""Results that are made one ahead: while the caller works on one, another thread makes the next.

So a photo is read and decoded, in a decoder process, while the encoder runs on the photo before it.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


def one_ahead(make: Callable[[Item], Made], items: Iterable[Item]) -> Generator[Made, None, None]:
    """`make(item)` for each item, in order, as `map` gives it; the one after the result in hand is made meanwhile.

    Nothing is made before the first result is asked for, one is made at a time, and at most one waits until it is asked for.
    What `make` raises is raised when its result is asked for. It runs in another thread, so it must not use the database
    connection of the caller. Close the iterator where it may not be read to its end: what it has not begun to make is not
    made then.
    """
    ahead: deque[Future[Made]] = deque()
    try:
        for item in items:
            ahead.append(_thread.submit(make, item))
            if len(ahead) > 1:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        for future in ahead:
            future.cancel()


def _new_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="ahead")


# One for the life of the process, started when first needed: clients of remote storages keep a connection for each thread.
_thread = _new_thread()


def _after_fork() -> None:
    """The parent's thread does not exist in a forked child, which gets one of its own."""
    global _thread
    _thread = _new_thread()


os.register_at_fork(after_in_child=_after_fork)
