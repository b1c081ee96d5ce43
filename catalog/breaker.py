"""A circuit breaker: a server that failed is left alone for a while, so that not every caller waits for it."""

from __future__ import annotations

import threading
import time


class Breaker:
    """Whether a server is asked. Thread-safe.

    After a failure it is left alone for `rest_seconds`. Then one thread tries, and the others go on without the server
    until that thread reports what it found, or `trial_seconds` are over. `closed`: the server is asked as usual; read
    without a lock, for it is read before every command.

        if breaker.admits():
            try:
                answer = server.ask()
            except ServerAway:
                breaker.failed()
            else:
                breaker.succeeded()
    """

    def __init__(self, *, rest_seconds: float, trial_seconds: float) -> None:
        self.closed = True
        self._rest_seconds, self._trial_seconds = rest_seconds, trial_seconds
        self._next_trial = 0.0
        self._trying: int | None = None
        self._lock = threading.Lock()

    def admits(self) -> bool:
        """Whether this thread may ask the server now. The thread that tries may ask as often as it needs to."""
        if self.closed:
            return True
        now, thread = time.monotonic(), threading.get_ident()
        with self._lock:
            if self.closed or self._trying == thread:
                return True
            if now < self._next_trial:
                return False
            self._next_trial, self._trying = now + self._trial_seconds, thread
            return True

    def failed(self) -> bool:
        """The server did not answer; True where it had until now, so that whoever logs it says it once."""
        with self._lock:
            first, self.closed = self.closed, False
            self._trying, self._next_trial = None, time.monotonic() + self._rest_seconds
            return first

    def succeeded(self) -> bool:
        """The server answered; True where it had not until now."""
        if self.closed:
            return False
        with self._lock:
            first, self.closed, self._trying = not self.closed, True, None
            return first
