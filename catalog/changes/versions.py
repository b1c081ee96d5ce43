"""A product's version: what a writer compares, so that nobody's change is overwritten unseen.

It is made of `updated_at`, which every write of the product raises (migration 0010), whoever writes: a caller, a feed, a person,
a sale that begins. Photos belong to the product: who adds, replaces, orders or removes some raises it. A worker that stores
the file of a photo given by URL does not, since nobody decided anything then.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ANY = "*"


def version_of(product_id: int, updated_at: datetime) -> str:
    """`12-1764412345678901`: the product's id, and microseconds since 1970."""
    return f"{product_id}-{(updated_at - _EPOCH) // timedelta(microseconds=1)}"


def is_current(condition: str, version: str) -> bool:
    """Whether a version is among those of an `If-Match`: a list of entity tags, or `*` for any.

    What stands in a tag behind a point tells apart answers of one version, and does not count here. Neither does `W/`,
    which proxies put before the tag of an answer that they compress.
    """
    tags = [tag.strip().removeprefix("W/").strip('"').partition(".")[0] for tag in condition.split(",")]
    return tags == [ANY] or version in tags
