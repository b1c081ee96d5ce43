"""What ties the tables of the two apps together in Postgres is written down in docs/architecture.md, all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.db import connection

PAGE = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"
SECTION = "## Where Postgres keeps two tables true together"

TRIGGERS = """
SELECT t.tgname, c.relname, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgparentid = 0
"""
FOREIGN_KEYS = """
SELECT one.relname || '.' || here.attname, other.relname || '.' || there.attname
FROM pg_constraint k JOIN pg_class one ON one.oid = k.conrelid JOIN pg_class other ON other.oid = k.confrelid
JOIN pg_attribute here ON here.attrelid = one.oid AND here.attnum = ANY (k.conkey)
JOIN pg_attribute there ON there.attrelid = other.oid AND there.attnum = ANY (k.confkey)
WHERE k.contype = 'f' AND split_part(one.relname, '_', 1) <> split_part(other.relname, '_', 1)
    AND ARRAY[split_part(one.relname, '_', 1), split_part(other.relname, '_', 1)] && ARRAY['catalog', 'recommender']
"""


def rows_of_table(first: str) -> list[list[str]]:
    """The cells of the section's table whose first column is called `first`, without their backquotes."""
    section = PAGE.read_text(encoding="utf-8").split(SECTION)[1].split("\n## ")[0]
    table = section.split(f"\n| {first} |")[1].split("\n\n")[0]
    lines = table.splitlines()[2:]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.django_db
def test_every_trigger_of_the_database_is_written_down() -> None:
    with connection.cursor() as cursor:
        cursor.execute(TRIGGERS)
        found = {(name, table, events(definition)) for name, table, definition in cursor.fetchall()}
    assert {(name, table, fires) for name, table, fires, _ in rows_of_table("trigger")} == found


@pytest.mark.django_db
def test_every_foreign_key_between_the_apps_is_written_down() -> None:
    with connection.cursor() as cursor:
        cursor.execute(FOREIGN_KEYS)
        found = set(cursor.fetchall())
    assert {(one, other) for one, other, _ in rows_of_table("foreign key from")} == found


@pytest.mark.django_db
def test_a_trigger_that_is_not_written_down_is_found() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE FUNCTION unseen() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        cursor.execute(
            "CREATE TRIGGER unseen AFTER INSERT OR UPDATE OF title ON catalog_product FOR EACH ROW EXECUTE FUNCTION unseen()"
        )
        cursor.execute(TRIGGERS)
        found = {(name, table): events(definition) for name, table, definition in cursor.fetchall()}
    assert found["unseen", "catalog_product"] == "AFTER INSERT OR UPDATE OF title, FOR EACH ROW"
    assert ("unseen", "catalog_product") not in {(name, table) for name, table, _, _ in rows_of_table("trigger")}


def events(definition: str) -> str:
    """When a trigger fires, of its definition as Postgres writes it."""
    match = re.search(r"TRIGGER \S+ (.+?) ON \S+ .*?(FOR EACH (?:ROW|STATEMENT))", definition)
    assert match, definition
    return f"{match[1]}, {match[2]}"
