"""Half-precision vectors between NumPy and Postgres in pgvector's binary format, on raw psycopg connections.

Writing is pgvector's own: a `HalfVector` is a query parameter. Reading is done here, because pgvector's loader gives
a `HalfVector`, and everybody here computes with float32 arrays.
"""

from __future__ import annotations

import sys
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.psycopg.halfvec import register_halfvec_info
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg.types import TypeInfo

__all__ = ["HalfVector", "cursor", "half_precision", "halfvec_type", "raw_connection"]

_HEADER_BYTES = 4  # uint16 dimensions, uint16 unused
_types: WeakKeyDictionary[psycopg.Connection, int] = WeakKeyDictionary()


class _Float32Loader(Loader):
    """halfvec in binary → float32 (n,)."""

    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.float32]:
        return np.frombuffer(data, ">f2", offset=_HEADER_BYTES).astype(np.float32)


def half_precision(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 (…) → what a halfvec column keeps of it, float32 (…)."""
    return vector.astype(np.float16).astype(np.float32)


def raw_connection() -> psycopg.Connection:
    """Django's own psycopg connection of this thread, healthy, able to carry halfvec in binary and to prepare.

    Django's cursors bind on the client's side and never prepare; `cursor()` gives one that does both on the server's.
    """
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    raw: psycopg.Connection = connection.connection
    halfvec_type(raw)
    return raw


def cursor() -> psycopg.Cursor[tuple[Any, ...]]:
    """A server-binding cursor on Django's connection of this thread."""
    return psycopg.Cursor(raw_connection())


def halfvec_type(raw: psycopg.Connection) -> int:
    """The type number of halfvec (it differs from database to database); registers it on the connection once.

    Raises psycopg.errors.UndefinedObject where the database has no pgvector.
    """
    if raw not in _types:
        info = TypeInfo.fetch(raw, "halfvec")
        if info is None:
            raise psycopg.errors.UndefinedObject("this database has no pgvector: run `manage.py migrate`")
        register_halfvec_info(raw, info)  # its array type too
        raw.adapters.register_loader(info.oid, _Float32Loader)
        raw.prepare_threshold = (
            sys.maxsize
        )  # Django's way: a statement is prepared only where `prepare=True` asks for it
        _types[raw] = info.oid
    return _types[raw]
