"""The engine behind the product. Another that fulfils the Protocol would be named here."""

from functools import cache

from recommender.index.pgvector.engine import PgvectorIndex


@cache
def vector_index() -> PgvectorIndex:
    return PgvectorIndex()
