"""Brings an engine that keeps vectors of its own level with those in Postgres; of one that keeps none nothing is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from recommender.index import stored
from recommender.index.base import VectorIndex
from recommender.index.registry import vector_index
from recommender.index.types import VectorRow
from recommender.models import Space

BLOCK = 5000  # ids compared, and vectors sent, at a time


@dataclass(frozen=True)
class Fed:
    """Photos that the engine did not know, and photos that it knew and that have no vector any more."""

    added: int
    removed: int


def feed(engine: VectorIndex, space: Space) -> Fed:
    """Tell the engine of every photo that Postgres has a vector of and it has not, and of the reverse; in bounded memory.

    Told apart by their ids, in steps that can be interrupted and repeated. Nothing to do where the engine keeps no copy.
    Raises EngineAway, SpaceGone.
    """
    added = removed = after = 0
    while engine.keeps_copy:
        here = stored.ids_of(space=space, after=after, most=BLOCK)
        there = engine.ids(space=space, after=after, most=BLOCK)
        if not len(here) and not len(there):
            break
        after = _last_known(here, there)
        missing = np.setdiff1d(here[here <= after], there, assume_unique=True).tolist()
        gone = np.setdiff1d(there[there <= after], here, assume_unique=True).tolist()
        present = stored.rows_of(space=space, image_ids=missing) if missing else []
        if present or gone:
            engine.sync(space=space, present=present, gone=gone)
        added, removed = added + len(present), removed + len(gone)
    return Fed(added, removed)


def tell_after_commit(space: Space, *, present: Sequence[VectorRow] = (), gone: Sequence[int] = ()) -> None:
    """Tell the engine what the caller's transaction wrote, once it has committed; no writer fails because the engine is away.

    What it then misses is logged, and found by the next `feed`. Photos that are deleted in the catalogue are not told: the
    engine may go on proposing them until then, and Postgres drops them from every answer.
    """
    engine = vector_index()
    if engine.keeps_copy:
        transaction.on_commit(lambda: engine.sync(space=space, present=present, gone=gone), robust=True)


def _last_known(*blocks: NDArray[np.int64]) -> int:
    """The id up to which both sides were read: a full block may go on behind its end."""
    return int(min((block[-1] for block in blocks if len(block) == BLOCK), default=max(_ends(blocks))))


def _ends(blocks: Sequence[NDArray[np.int64]]) -> list[int]:
    return [int(block[-1]) for block in blocks if len(block)]
