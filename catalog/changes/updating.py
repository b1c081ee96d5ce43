"""Writes other values to many rows in one statement.

`bulk_update` builds an expression for each value of each row, which takes most of a second for 500 products; that time the rows
would be locked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models
from psycopg import sql

from catalog.models import Product

_UPDATE = """
UPDATE catalog_product AS p SET {columns} FROM unnest({arrays}) AS given (id, {names})
WHERE p.id = given.id RETURNING p.id, p.updated_at
"""


def update_products(products: Sequence[Product], names: Iterable[str]) -> None:
    """Write those fields, given by their names or attributes, of products that are locked. Their `updated_at` is read back, for
    Postgres may have raised it.
    """
    fields: list[Any] = [Product._meta.get_field(name.removesuffix("_id")) for name in names]
    columns = [sql.Identifier(field.column) for field in fields]
    statement = sql.SQL(_UPDATE).format(
        columns=sql.SQL(", ").join(
            sql.SQL("{0} = given.{0}::{1}").format(column, _type(field))
            for field, column in zip(fields, columns, strict=True)
        ),
        arrays=sql.SQL(", ").join(
            [sql.SQL("%s::bigint[]"), *(sql.SQL("%s::{}[]").format(_sent(field)) for field in fields)]
        ),
        names=sql.SQL(", ").join(columns),
    )
    values = [[_value(field, product) for product in products] for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(statement, [[product.pk for product in products], *values])
        moments: dict[int, datetime] = dict(cursor.fetchall())
    for product in products:
        product.updated_at = moments.get(product.pk, product.updated_at)


def _type(field: Any) -> sql.SQL:
    return sql.SQL(field.db_type(connection))


def _sent(field: Any) -> sql.SQL:
    """The type of what is sent: JSON as text, others as they are."""
    return sql.SQL("text") if isinstance(field, models.JSONField) else _type(field)


def _value(field: Any, product: Product) -> Any:
    value = getattr(product, field.attname)
    if isinstance(field, models.JSONField):
        return json.dumps(value, cls=field.encoder)
    return field.get_db_prep_save(value, connection)
