"""Which engines there are, and the one that the settings choose."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from recommender.index.base import VectorIndex

# The name in VECTOR_ENGINE → the dotted path of a class that fulfils recommender.index.base.VectorIndex.
ENGINES: dict[str, str] = {
    "pgvector": "recommender.index.pgvector.engine.PgvectorIndex",
}


def vector_index() -> VectorIndex:
    """The engine of VECTOR_ENGINE, one instance a process. Raises ImproperlyConfigured for a name that does not exist."""
    return engine_named(settings.VECTOR_ENGINE)


@cache
def engine_named(name: str) -> VectorIndex:
    """The engine of that name, one instance a process. Raises ImproperlyConfigured for a name that does not exist."""
    if name not in ENGINES:
        raise ImproperlyConfigured(unknown_engine(name))
    engine: VectorIndex = import_string(ENGINES[name])()
    return engine


def unknown_engine(name: str) -> str:
    """What is wrong with a name that is none of an engine, and which there are."""
    return f"VECTOR_ENGINE is {name!r}; set it to one of: {', '.join(ENGINES)}"
