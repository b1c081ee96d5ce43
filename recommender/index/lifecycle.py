"""Where a space keeps its vectors: made in Postgres and in the engine, and dropped from both."""

from __future__ import annotations

from recommender.index import partitions
from recommender.index.registry import vector_index
from recommender.models import Space


def create(space: Space) -> None:
    """An empty partition and an empty place in the engine; nothing happens where they stand already."""
    partitions.create_partition(space)
    vector_index().create(space=space)


def drop(space: Space) -> None:
    """Take the vectors away without stopping a reader; nothing happens where they are gone. Raises EngineAway."""
    partitions.drop_partition(space)
    vector_index().drop(space=space)
