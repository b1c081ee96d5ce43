"""Something that this process leaves alone for a while: a broker that was away, work that costs more than it finds."""

from __future__ import annotations

import time


class Pause:
    """Off until `begin(seconds)`; then on for so long. `begin(0)` ends it; another `begin` starts over."""

    def __init__(self) -> None:
        self._ends_at = float("-inf")

    def begin(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds

    def is_on(self) -> bool:
        return time.monotonic() < self._ends_at
