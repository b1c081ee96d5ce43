"""A cache in Redis of values that are costly to make: read back, checked and, where they are lost, made again.

Redis may be away, and what it holds may be anything: then the value is as good as lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from recommender import redis_client

V = TypeVar("V")


@dataclass(frozen=True, kw_only=True)
class RedisCache(Generic[V]):
    """Values of one kind. `prefix` goes before every key; `seconds`: how long a value is kept.

    `to_bytes` writes a value; `from_bytes` reads one, and gives None for bytes that are no such value.
    """

    prefix: str
    seconds: int
    to_bytes: Callable[[V], bytes]
    from_bytes: Callable[[bytes], V | None]

    def get(self, key: str) -> V | None:
        """The value; None where it is not kept or Redis is away."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Iterable[str]) -> dict[str, V]:
        """The values that are kept, by key. One round trip."""
        wanted = list(dict.fromkeys(keys))
        if not wanted:
            return {}
        names = [self.prefix + key for key in wanted]
        found = redis_client.ask(lambda client: client.mget(names), [None] * len(names))
        values = {
            key: self.from_bytes(kept) for key, kept in zip(wanted, found, strict=True) if isinstance(kept, bytes)
        }
        return {key: value for key, value in values.items() if value is not None}

    def set(self, key: str, value: V) -> None:
        """Keep a value, unless Redis is away."""
        data = self.to_bytes(value)
        redis_client.ask(lambda client: client.set(self.prefix + key, data, ex=self.seconds), None)

    def get_or_make(self, key: str, make: Callable[[], V]) -> V:
        """The value that is kept, else `make()`, which is kept. Raises whatever `make` raises."""
        value = self.get(key)
        if value is None:
            value = make()
            self.set(key, value)
        return value
