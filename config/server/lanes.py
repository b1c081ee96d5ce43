"""Threads for requests of one kind: slow ones make others of their own kind wait, and nobody else."""

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
    """At most `threads` threads; who finds none free waits in turn on the event loop, and holds nothing meanwhile.

    All but the work itself happens on the event loop, so nothing is locked. Threads start when they are needed and end,
    with their connections to Postgres, after IDLE_SECONDS without work.
    """

    def __init__(self, name: str, *, threads: int) -> None:
        self.name = name
        self._most = threads
        self._busy = 0
        self._alive = 0
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def run(self, work: Work) -> None:
        """Return when a thread has done `work`. Raises WaitedTooLong, with the work not begun.

        The place is free again when the thread is: also where this coroutine was cancelled before.
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
        """End the threads once what they have been given is done."""
        for _ in range(self._alive):
            self._jobs.put(None)
        self._alive = 0

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """One thread more. Raises RuntimeError, with the place free again, where the system has none to give."""
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
                self._pass_on()  # the turn came in the moment of giving up
            elif turn in self._waiting:
                self._waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise WaitedTooLong from error
            raise

    def _pass_on(self) -> None:
        """A place is free: it goes to who has waited longest."""
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
        """One thread was idle; whichever takes the sign ends."""
        if self._alive > self._busy:
            self._alive -= 1
            self._jobs.put(None)

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """What a thread does until it is told to end, or the loop is closed."""
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
