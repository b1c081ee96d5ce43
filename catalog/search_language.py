"""The language of the text search: SEARCH_LANGUAGE, and the one that the products' texts are kept in.

Postgres keeps the words of products as a language reduces them, so a change of the setting means writing the texts of all
products anew. `manage.py migrate` does that, in batches beside running writers; until then searches go on in the language before.
"""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

BATCH = 1000
_NAME = re.compile(r"([a-z_][a-z0-9_]*\.)?[a-z_][a-z0-9_]*")
_DONE = "of every product"  # comment of the function that names the language: all texts are kept in it

_LANGUAGE = """
SELECT (
        SELECT min(c.oid::regconfig::text) FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace
        WHERE (pg_ts_config_is_visible(c.oid) AND c.cfgname = %(name)s) OR n.nspname || '.' || c.cfgname = %(name)s
    ),
    (SELECT string_agg(cfgname, ', ' ORDER BY cfgname) FROM pg_ts_config),
    pg_get_functiondef(to_regprocedure('catalog_search_language()')),
    obj_description(to_regprocedure('catalog_search_language()'), 'pg_proc')
"""
_REPLACE = """
CREATE OR REPLACE FUNCTION catalog_search_language() RETURNS regconfig
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN {}::regconfig
"""
# The products are locked first, so that a change of one that is committed meanwhile is read.
_LOCK = "SELECT id FROM catalog_product WHERE id > %s ORDER BY id LIMIT %s FOR NO KEY UPDATE"
_WRITE = """
INSERT INTO catalog_producttext AS t (product_id, words, plain)
SELECT id, catalog_search_document(title, brand, sku), catalog_plain(title || ' ' || brand || ' ' || sku)
FROM catalog_product WHERE id = ANY (%s)
ON CONFLICT (product_id) DO UPDATE SET words = excluded.words, plain = excluded.plain
"""


@register()
def language_is_a_name(**_: Any) -> list[CheckMessage]:
    """SEARCH_LANGUAGE can be the name of a text search configuration; `migrate` says whether this Postgres has it."""
    if _NAME.fullmatch(settings.SEARCH_LANGUAGE):
        return []
    return [
        Error(
            f"SEARCH_LANGUAGE is {settings.SEARCH_LANGUAGE!r}; set it to the name of a text search configuration of PostgreSQL,"
            " such as english, german, french or simple (\\dF in psql lists them)",
            id="catalog.E031",
        )
    ]


def keep_language(using: str = "default", **_: Any) -> None:
    """After every `migrate`: the texts of all products are in SEARCH_LANGUAGE. Raises ImproperlyConfigured for an unknown one."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(_LANGUAGE, {"name": settings.SEARCH_LANGUAGE})
        language, known, function, comment = cursor.fetchone()
    if function is None:  # migrated back to a version without text search
        return
    if language is None:
        raise ImproperlyConfigured(
            f"SEARCH_LANGUAGE is {settings.SEARCH_LANGUAGE!r}, which is no text search configuration of this PostgreSQL;"
            f" set it to one of: {known}"
        )
    if comment != _DONE or f"RETURN '{language}'::regconfig" not in function:
        _change(connection, language)


def _change(connection: BaseDatabaseWrapper, language: str) -> None:
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("COMMENT ON FUNCTION catalog_search_language() IS NULL")
        cursor.execute(sql.SQL(_REPLACE).format(sql.Literal(language)).as_string())
    last = 0
    while ids := _write_batch(connection, last):
        last = ids[-1]
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("COMMENT ON FUNCTION catalog_search_language() IS {}").format(sql.Literal(_DONE)).as_string()
        )


def _write_batch(connection: BaseDatabaseWrapper, last: int) -> list[int]:
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(_LOCK, [last, BATCH])
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute(_WRITE, [ids])
    return ids
