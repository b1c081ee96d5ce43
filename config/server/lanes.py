"""Threads for one kind of requests, so that slow ones delay only their own kind."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable

from django.conf import settings
from django.db import connections

IDLE_SECONDS = 60.0

Work = Callable[[], None]
_Job = tuple[Work, "asyncio.Future[None]"]

logger = logging.getLogger(__name__)


class WaitedTooLong(Exception):
    """No thread of the lane was free within WAIT_SECONDS."""


class Lane:
    """At most `threads` threads. Work that finds none free waits in order on the event loop, without a thread.

    Everything but the work itself runs on the event loop, so no locks are needed. Threads start when they are needed and
    end, closing their connections to Postgres, after IDLE_SECONDS without work.
    """

    def __init__(self, name: str, *, threads: int) -> None:
        self.name = name
        self._most = threads
        self._busy = 0
        self._alive = 0
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def run(self, work: Work) -> None:
        """Return when a thread has done `work`. Raises WaitedTooLong if no thread was free in time; the work was then not begun.

        A thread that is at work counts as busy until it is done, even if this coroutine is cancelled before.
        """
        loop = asyncio.get_running_loop()
        if self._busy < self._most:
            self._busy += 1
        else:
            await self._turn(loop)
        if self._alive < self._busy:
            self._start(loop)
        done: asyncio.Future[None] = loop.create_future()
        self._jobs.put((work, done))
        await done

    def close(self) -> None:
        """End the threads when they have finished the work they were given."""
        for _ in range(self._alive):
            self._jobs.put(None)
        self._alive = 0

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start one more thread. Raises RuntimeError, after giving the place to the next, where the system allows none."""
        try:
            threading.Thread(target=self._serve, args=[loop], name=f"lane {self.name}", daemon=True).start()
        except RuntimeError:
            self._pass_on()
            raise
        self._alive += 1

    async def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(settings.WAIT_SECONDS):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._pass_on()  # the turn came just as this one gave up
            elif turn in self._waiting:
                self._waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise WaitedTooLong from error
            raise

    def _pass_on(self) -> None:
        """Give a free place to the work that has waited longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._busy -= 1

    def _finished(self, done: asyncio.Future[None]) -> None:
        if not done.done():
            done.set_result(None)
        self._pass_on()

    def _retire(self) -> None:
        """Called when a thread was idle: end one thread, whichever takes the None."""
        if self._alive > self._busy:
            self._alive -= 1
            self._jobs.put(None)

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """What a thread runs until it takes a None, or until the loop is closed."""
        try:
            while True:
                try:
                    job = self._jobs.get(timeout=IDLE_SECONDS)
                except queue.Empty:
                    loop.call_soon_threadsafe(self._retire)
                    continue
                if job is None:
                    return
                work, done = job
                try:
                    work()
                except Exception:
                    logger.exception("work in lane %s failed", self.name)
                loop.call_soon_threadsafe(self._finished, done)
        except RuntimeError:
            return  # the loop is closed: the process ends
        finally:
            connections.close_all()
