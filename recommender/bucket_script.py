"""Token buckets in Redis (catalog.access.buckets), counted by a script that reads values too: one round trip for both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

from catalog.access.buckets import Charge, Counted

# KEYS: for each request its buckets, then the values it wants. ARGV: the time in microseconds, or "" for that of Redis, which is
# the same for every web server; then for each request how many buckets and values it has, and for each bucket how far the
# request moves the moment at which it is full, and how far ahead that may lie. Returns for each request 1 or 0, for each bucket
# the microseconds until it is full, and for each value itself; those of who is refused are not read.
SCRIPT = """
local now = tonumber(ARGV[1])
if not now then
  local clock = redis.call('TIME')
  now = clock[1] * 1000000 + clock[2]
end
local key, argument, answers = 0, 2, {}
while argument <= #ARGV do
  local buckets, values = tonumber(ARGV[argument]), tonumber(ARGV[argument + 1])
  local admitted, levels, answer = 1, {}, {}
  for i = 1, buckets do
    local full_at = tonumber(redis.call('GET', KEYS[key + i]) or now)
    levels[i] = full_at and full_at > now and full_at - now or 0
    if levels[i] + ARGV[argument + 2 * i] > tonumber(ARGV[argument + 2 * i + 1]) then admitted = 0 end
  end
  answer[1] = admitted
  for i = 1, buckets do
    if admitted == 1 then
      levels[i] = levels[i] + ARGV[argument + 2 * i]
      redis.call('SET', KEYS[key + i], string.format('%.0f', now + levels[i]), 'PX', 1000 + math.ceil(levels[i] / 1000))
    end
    answer[1 + i] = levels[i]
  end
  if admitted == 1 and values > 0 then
    local found = redis.call('MGET', unpack(KEYS, key + buckets + 1, key + buckets + values))
    for i = 1, values do answer[1 + buckets + i] = found[i] end
  end
  answers[#answers + 1] = answer
  key, argument = key + buckets + values, argument + 2 + 2 * buckets
end
return answers
"""
SHA = sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()  # the name by which Redis knows the script


@dataclass(frozen=True, slots=True)
class Lookup:
    """What one request wants of Redis: tokens of buckets, and values if it gets them."""

    charges: Sequence[Charge] = ()
    keys: Sequence[str] = ()


Found = tuple[Counted | None, list[bytes | None]]


def keys_of(lookups: Sequence[Lookup]) -> list[str]:
    """The script's KEYS."""
    return [key for one in lookups for key in (*(charge.bucket.place for charge in one.charges), *one.keys)]


def arguments_of(lookups: Sequence[Lookup], now: float | None = None) -> list[str | int]:
    """The script's ARGV. `now`: seconds, of another clock than that of Redis."""
    arguments: list[str | int] = ["" if now is None else round(now * 1e6)]
    for one in lookups:
        arguments += (len(one.charges), len(one.keys))
        for charge in one.charges:
            arguments += (charge.microseconds, charge.bucket.capacity)
    return arguments


def found(lookups: Sequence[Lookup], reply: Any) -> Iterator[Found]:
    """What the script's reply says to each of them."""
    for one, (admitted, *rest) in zip(lookups, reply, strict=True):
        buckets = len(one.charges)
        counted = Counted(admitted == 1, tuple(rest[:buckets])) if buckets else None
        yield counted, rest[buckets:] if admitted == 1 else [None] * len(one.keys)
