"""Photos by URL are asked again whether they have changed, and one that a feed replaces stays until its successor is stored.
Products may have further categories.

The new column is empty, so that no row is written. Processes of the version before go on writing photos without it. Every step
may run again after a run that broke off.
"""

import time

import django.db.models.deletion
from django.db import OperationalError, migrations, models, transaction

TRIES = 30

COLUMN = "ALTER TABLE catalog_productimage ADD COLUMN IF NOT EXISTS successor_id bigint"
TABLE = """
CREATE TABLE IF NOT EXISTS catalog_photoorigin (
    image_id bigint PRIMARY KEY REFERENCES catalog_productimage ON DELETE CASCADE,
    etag varchar(500) NOT NULL DEFAULT '',
    last_modified varchar(500) NOT NULL DEFAULT '',
    length bigint CHECK (length >= 0),
    due_at timestamptz,
    whole boolean NOT NULL DEFAULT false
) WITH (fillfactor = 80);
CREATE INDEX IF NOT EXISTS photo_origin_due ON catalog_photoorigin (due_at) WHERE due_at IS NOT NULL;
"""
CATEGORIES = """
CREATE TABLE IF NOT EXISTS catalog_productcategory (
    product_id bigint NOT NULL REFERENCES catalog_product ON DELETE CASCADE,
    category_id bigint NOT NULL REFERENCES catalog_category ON DELETE CASCADE,
    PRIMARY KEY (category_id, product_id)
);
CREATE INDEX IF NOT EXISTS catalog_productcategory_product ON catalog_productcategory (product_id);
"""
UNDONE = """
DROP TABLE IF EXISTS catalog_productcategory;
DROP TABLE IF EXISTS catalog_photoorigin;
ALTER TABLE catalog_productimage DROP COLUMN IF EXISTS successor_id;
"""


def briefly(schema_editor, statement):
    """Run statements in one transaction that waits for locks for a second at most, and is tried again."""
    for attempt in range(1, TRIES + 1):
        try:
            with transaction.atomic(using=schema_editor.connection.alias), schema_editor.connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '1s'")
                cursor.execute(statement)
            return
        except OperationalError:
            if attempt == TRIES:
                raise
            time.sleep(0.5)


def forwards(apps, schema_editor):
    briefly(schema_editor, COLUMN)
    briefly(schema_editor, TABLE)
    briefly(schema_editor, CATEGORIES)


def backwards(apps, schema_editor):
    briefly(schema_editor, UNDONE)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("catalog", "0004_feeds_as_sources"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(forwards, backwards)],
            state_operations=[
                migrations.AddField(
                    "productimage",
                    "successor",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="catalog.productimage",
                    ),
                ),
                migrations.CreateModel(
                    name="ProductCategory",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "category_id", "product_id", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        (
                            "product",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="catalog.product"
                            ),
                        ),
                        (
                            "category",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="catalog.category",
                            ),
                        ),
                    ],
                    options={"verbose_name_plural": "further categories"},
                ),
                migrations.CreateModel(
                    name="PhotoOrigin",
                    fields=[
                        (
                            "image",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                primary_key=True,
                                related_name="+",
                                serialize=False,
                                to="catalog.productimage",
                            ),
                        ),
                        ("etag", models.CharField(blank=True, db_default="", default="", max_length=500)),
                        ("last_modified", models.CharField(blank=True, db_default="", default="", max_length=500)),
                        ("length", models.PositiveBigIntegerField(null=True)),
                        ("due_at", models.DateTimeField(null=True)),
                        ("whole", models.BooleanField(db_default=False, default=False)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(due_at__isnull=False), fields=["due_at"], name="photo_origin_due"
                            )
                        ]
                    },
                ),
            ],
        ),
    ]
