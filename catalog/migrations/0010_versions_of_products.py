"""Each write of a product raises its `updated_at`, which is the version that writers compare (catalog.changes.versions).

Whoever writes with SQL of their own, or at the same moment as somebody else, need not think of it: where a statement does not
raise `updated_at`, Postgres does. The trigger is made in a moment; where a long transaction is in the way, others pass first.
"""

import time

from django.db import OperationalError, migrations, transaction

TRIES = 30

VERSIONS = """
CREATE OR REPLACE FUNCTION catalog_product_version() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
    BEGIN
        NEW.updated_at := greatest(clock_timestamp(), OLD.updated_at + interval '1 microsecond');
        RETURN NEW;
    END
    $$;
CREATE OR REPLACE TRIGGER catalog_product_version BEFORE UPDATE ON catalog_product
    FOR EACH ROW WHEN (NEW.updated_at <= OLD.updated_at) EXECUTE FUNCTION catalog_product_version();
"""
UNDONE = """
DROP TRIGGER IF EXISTS catalog_product_version ON catalog_product;
DROP FUNCTION IF EXISTS catalog_product_version();
"""


def briefly(schema_editor, statement):
    """Run a statement that locks the table for a moment, again where it had to wait."""
    for attempt in range(TRIES):
        try:
            with transaction.atomic(using=schema_editor.connection.alias), schema_editor.connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '2s'")
                cursor.execute(statement)
            return
        except OperationalError:
            if attempt == TRIES - 1:
                raise
            time.sleep(1)


def add_trigger(apps, schema_editor):
    briefly(schema_editor, VERSIONS)


def remove_trigger(apps, schema_editor):
    briefly(schema_editor, UNDONE)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("catalog", "0009_search_and_sorting"),
    ]

    operations = [migrations.RunPython(add_trigger, remove_trigger)]
