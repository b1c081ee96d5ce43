"""Counts tokens for requests in a thread: in Redis, or in the memory of this process while Redis is away."""

from __future__ import annotations

from collections.abc import Sequence

import redis

from catalog.access.buckets import Charge, Counted, ProcessBuckets
from recommender import redis_client
from recommender.bucket_script import SCRIPT, SHA, Lookup, arguments_of, found, keys_of

# Each web process counts by itself meanwhile, so an address or a key gets up to WEB_PROCESSES times its tokens.
in_process = ProcessBuckets()


def count(charges: Sequence[Charge]) -> Counted:
    """Take the tokens, from all buckets or from none: settings.API_COUNTER."""
    counted = redis_client.ask(lambda client: count_by(client, charges), None)
    return in_process.count(charges) if counted is None else counted


def count_by(client: redis.Redis, charges: Sequence[Charge], *, now: float | None = None) -> Counted | None:
    """Take the tokens in Redis; None where there are none to take. `now`: seconds, of another clock than that of Redis.

    Raises redis.RedisError.
    """
    lookups = [Lookup(charges)]
    sent = [*keys_of(lookups), *arguments_of(lookups, now)]
    number = len(charges)
    try:
        reply = client.evalsha(SHA, number, *sent)
    except redis.exceptions.NoScriptError:  # Redis began anew
        reply = client.eval(SCRIPT, number, *sent)
    ((counted, _),) = found(lookups, reply)
    return counted
