"""Statements on many rows at once, in which each list is one parameter: quicker than Django's, which has one for every value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar

import orjson
from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import BooleanField, Field, Func, Model, Value
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from psycopg import sql

M = TypeVar("M", bound=Model)


class In(Func):
    """`column = ANY (list)`, for `filter()`: the rows of which a column is in a list."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY ("
    output_field = BooleanField()
    conditional = True

    def __init__(self, column: str, field: Field[Any, Any], values: Iterable[object]) -> None:
        """`field`: of the values, as it is in the database."""
        super().__init__(column, Value(list(values), output_field=ArrayField(field)))


def insert(rows: Sequence[M]) -> None:
    """Insert new rows of one model and give them their ids, as `bulk_create` does. Raises the database's errors.

    All of them travel as one text of JSON, which Postgres takes apart by the types of the table's columns.
    """
    if not rows:
        return
    model = type(rows[0])
    names, moments, statement = _statement(model)
    now = timezone.now()
    records = []
    for row in rows:
        values = row.__dict__
        for moment in moments:
            values[moment] = now
        records.append({column: values[name] for name, column in names})
    with connection.cursor() as cursor:
        cursor.execute(statement, [orjson.dumps(records, default=_plain).decode()])
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = pk
            row._state.adding, row._state.db = False, connection.alias


@lru_cache(maxsize=16)
def _statement(model: type[Model]) -> tuple[list[tuple[str, str]], list[str], sql.Composed]:
    """Name and column of each field but the primary key, the names of those that hold the moment of the insertion, the statement."""
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    names = [(field.attname, str(field.column)) for field in fields]
    moments = [
        field.attname for field in fields if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    ]
    table = sql.Identifier(model._meta.db_table)
    columns = sql.SQL(", ").join([sql.Identifier(column) for _, column in names])
    statement = sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s::json) RETURNING {pk}"
    )
    return names, moments, statement.format(table=table, columns=columns, pk=sql.Identifier(str(model._meta.pk.column)))


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, FieldFile):
        return value.name or ""
    raise TypeError(f"{type(value).__name__} is no value of JSON")
