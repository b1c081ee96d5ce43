"""A product's variant group may be decided by a person, and imports keep it then.

The new column is constant, so no row is written; where a long transaction is in the way, others pass first. Processes of the
version before go on writing products without it.
"""

import time

from django.db import OperationalError, migrations, models, transaction

TRIES = 30

COLUMN = "ALTER TABLE catalog_product ADD COLUMN IF NOT EXISTS group_decided boolean NOT NULL DEFAULT false"
UNDONE = "ALTER TABLE catalog_product DROP COLUMN IF EXISTS group_decided"


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


def add_column(apps, schema_editor):
    briefly(schema_editor, COLUMN)


def remove_column(apps, schema_editor):
    briefly(schema_editor, UNDONE)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("catalog", "0010_versions_of_products"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(add_column, remove_column)],
            state_operations=[
                migrations.AddField(
                    model_name="product",
                    name="group_decided",
                    field=models.BooleanField(
                        db_default=False,
                        default=False,
                        editable=False,
                        help_text="The group was decided by a person: imports keep it, whatever their feed says.",
                    ),
                )
            ],
        )
    ]
