"""Half-precision vectors on the wire: pgvector's binary format, in and out of raw psycopg connections.

Text would cost a quarter of a millisecond for 1280 numbers; binary costs microseconds.
"""

from __future__ import annotations

import sys
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format
from psycopg.types import TypeInfo

_HEADER = 4  # uint16 dimensions, uint16 unused
_types: WeakKeyDictionary[psycopg.Connection, int] = WeakKeyDictionary()


class HalfVector:
    """A query parameter of type halfvec, made of float32 (n,)."""

    __slots__ = ("wire",)

    def __init__(self, vector: NDArray[np.float32]) -> None:
        self.wire = len(vector).to_bytes(2, "big") + b"\0\0" + vector.astype(">f2").tobytes()


class _HalfVectorLoader(Loader):
    """halfvec in binary → float32 (n,)."""

    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.float32]:
        return np.frombuffer(data, ">f2", offset=_HEADER).astype(np.float32)


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
    """The type number of halfvec (it differs from database to database); registers it on the connection once."""
    if raw not in _types:
        _types[raw] = _teach(raw)
        raw.prepare_threshold = sys.maxsize  # never unasked, as Django says, but where `prepare=True` asks for it
    return _types[raw]


def _teach(raw: psycopg.Connection) -> int:
    info = TypeInfo.fetch(raw, "halfvec")
    if info is None:
        raise psycopg.errors.UndefinedObject("this database has no pgvector: run `manage.py migrate`")
    info.register(raw)  # its array type too
    number = info.oid

    class HalfVectorDumper(Dumper):
        format = Format.BINARY
        oid = number

        def dump(self, obj: HalfVector) -> Buffer:
            return obj.wire

    raw.adapters.register_dumper(HalfVector, HalfVectorDumper)
    raw.adapters.register_loader(number, _HalfVectorLoader)
    return number
