"""Token buckets: how many requests an address or a key may send, at once and a second.

A bucket of `burst` tokens fills by `rate` a second, and a request takes as many as it costs. What is kept of a bucket is one
moment, the one at which it will be full again (the "theoretical arrival time" of the generic cell rate algorithm, ITU-T I.371):
a request moves it on by what its tokens take to come back, and is refused where it would then lie further ahead than the whole
bucket takes to fill. All times are whole microseconds, so that counts are exact.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from catalog.api.problems import Problem

MOST_KEPT = 10_000  # buckets in a process


@dataclass(frozen=True, slots=True)
class Bucket:
    """`name`: what it counts by. `place`: under which name it is kept. `unit`: microseconds in which a token comes back."""

    name: Literal["address", "key"]
    place: str
    unit: int
    burst: int

    @property
    def capacity(self) -> int:
        """Microseconds that the empty bucket takes to fill."""
        return self.unit * self.burst


@dataclass(frozen=True, slots=True)
class Charge:
    """So many tokens of a bucket."""

    bucket: Bucket
    tokens: int

    @property
    def microseconds(self) -> int:
        return self.bucket.unit * self.tokens


@dataclass(frozen=True, slots=True)
class Counted:
    """Whether all buckets gave their tokens; if one could not, none did. `used`: for each, microseconds until it is full."""

    admitted: bool
    used: tuple[int, ...]


Counter = Callable[[Sequence[Charge]], Counted]


@lru_cache(maxsize=4096)
def bucket(name: Literal["address", "key"], whose: str, *, rate: float, burst: int) -> Bucket:
    """The bucket of an address or of a key that fills by `rate` tokens a second."""
    return Bucket(name, f"bucket:{name}:{whose}", max(1, round(1e6 / rate)), burst)


class ProcessBuckets:
    """Buckets in the memory of a process, for as long as Redis is away. `clock`: seconds.

    At most MOST_KEPT are kept; where there are more, those that are full are forgotten, then all.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: dict[str, int] = {}
        self._lock = threading.Lock()

    def count(self, charges: Sequence[Charge]) -> Counted:
        """Take the tokens, from all buckets or from none."""
        now = round(self._clock() * 1e6)
        with self._lock:
            used = [max(0, self._full_at.get(charge.bucket.place, now) - now) for charge in charges]
            after = [before + charge.microseconds for before, charge in zip(used, charges, strict=True)]
            if any(level > charge.bucket.capacity for level, charge in zip(after, charges, strict=True)):
                return Counted(False, tuple(used))
            self._make_room(now)
            for level, charge in zip(after, charges, strict=True):
                self._full_at[charge.bucket.place] = now + level
        return Counted(True, tuple(after))

    def _make_room(self, now: int) -> None:
        if len(self._full_at) >= MOST_KEPT:
            self._full_at = {place: full_at for place, full_at in self._full_at.items() if full_at > now}
        if len(self._full_at) >= MOST_KEPT:
            self._full_at.clear()


def too_often(charges: Sequence[Charge], counted: Counted) -> Problem:
    """429, with the seconds after which the same request is admitted if nobody else asks meanwhile."""
    lacking = [
        (used + charge.microseconds - charge.bucket.capacity, charge.bucket)
        for charge, used in zip(charges, counted.used, strict=True)
    ]
    microseconds, longest = max(lacking, key=lambda one: one[0])
    seconds = max(1, -(-microseconds // 1_000_000))
    return Problem(
        429,
        detail=f"too many requests by this {longest.name}; ask again in {seconds} s, and more seldom",
        headers={"Retry-After": str(seconds)},
        policy=longest.name,
    )


def limit_headers(charges: Sequence[Charge], counted: Counted) -> tuple[tuple[str, str], ...]:
    """`RateLimit` and `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers-10.

    Of each bucket: the tokens it holds when full (q) and the seconds it then takes to fill (w); the tokens that are left (r) and
    the seconds until it is full (t).
    """
    policies, levels = [], []
    for charge, used in zip(charges, counted.used, strict=True):
        of = charge.bucket
        policies.append(f'"{of.name}";q={of.burst};w={max(1, -(-of.capacity // 1_000_000))}')
        levels.append(f'"{of.name}";r={max(0, of.capacity - used) // of.unit};t={-(-used // 1_000_000)}')
    return ("RateLimit-Policy", ", ".join(policies)), ("RateLimit", ", ".join(levels))
