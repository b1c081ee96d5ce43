"""Prices keep three decimals, sales have dates, and filters ask copies of brands and attributes without case.

Nothing here holds a lock for long: columns are added empty, filled in batches by the triggers that keep them from then on,
indexes are built beside running writers, and a constraint is checked after it was made. While processes of the version
before still run, they read and write the column `price`; the trigger keeps `price` and `amount` the same. Every step may
run again after a run that broke off.
"""

import time

import django.core.validators
import django.db.models.deletion
from decimal import Decimal
from django.db import OperationalError, migrations, models, transaction

BATCH = 1000
TRIES = 30

COLUMNS = """
ALTER TABLE catalog_product
    ADD COLUMN IF NOT EXISTS amount numeric(13, 3),
    ADD COLUMN IF NOT EXISTS list_price numeric(13, 3),
    ADD COLUMN IF NOT EXISTS sale_price numeric(13, 3),
    ADD COLUMN IF NOT EXISTS sale_from timestamptz,
    ADD COLUMN IF NOT EXISTS sale_until timestamptz,
    ADD COLUMN IF NOT EXISTS folded_brand text,
    ADD COLUMN IF NOT EXISTS folded_attributes jsonb;
CREATE TABLE IF NOT EXISTS catalog_attributenumber (
    product_id bigint NOT NULL REFERENCES catalog_product ON DELETE CASCADE,
    name text NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (product_id, name, value)
);
CREATE INDEX IF NOT EXISTS attribute_number_by_value ON catalog_attributenumber (name, value) INCLUDE (product_id);
"""

# The same text however it was typed: composed (NFC) and without case. Both sides of a comparison go through it, here alone.
FOLD = """
CREATE OR REPLACE FUNCTION catalog_fold(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN {folded};
CREATE OR REPLACE FUNCTION catalog_fold(texts text[]) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ARRAY(SELECT catalog_fold(one) FROM unnest(texts) AS one);
"""
# By the version of Postgres from which on there is one, the best first; where ICU is missing too, by the database's own rules.
FOLDED = (
    (180000, "normalize(casefold(normalize(value, NFC) COLLATE pg_unicode_fast), NFC)"),
    (170000, "normalize(lower(normalize(value, NFC) COLLATE pg_c_utf8), NFC)"),
    (0, 'normalize(lower(normalize(value, NFC) COLLATE "und-x-icu"), NFC)'),
)
FOLDED_ELSE = "normalize(lower(normalize(value, NFC)), NFC)"

# {"Colour": ["Red", 7]} → {"colour": ["red", 7]}, folded as one text: what stands between the strings of JSON has no case. Where
# two names become the same, the values of both are under it in a list.
FOLDED_ATTRIBUTES = """
CREATE OR REPLACE FUNCTION catalog_fold_attributes(attributes jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    DECLARE
        folded jsonb := catalog_fold(attributes::text)::jsonb;
    BEGIN
        IF jsonb_typeof(folded) <> 'object' THEN
            RETURN '{}';
        END IF;
        IF (SELECT count(*) FROM jsonb_object_keys(folded)) = (SELECT count(*) FROM jsonb_object_keys(attributes)) THEN
            RETURN folded;
        END IF;
        RETURN (
            SELECT jsonb_object_agg(name, list) FROM (
                SELECT catalog_fold(key) AS name, jsonb_agg(one) AS list
                FROM jsonb_each(attributes), jsonb_array_elements(
                    CASE jsonb_typeof(value) WHEN 'array' THEN catalog_fold(value::text)::jsonb
                        ELSE jsonb_build_array(catalog_fold(value::text)::jsonb) END
                ) AS one
                GROUP BY 1
            ) AS named
        );
    END
    $$;
"""

# What is derived before a row is written. Whoever writes `price` and not `amount` is of the version before and knows no sales.
DERIVE = """
CREATE OR REPLACE FUNCTION catalog_product_derive() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            NEW.amount := coalesce(NEW.amount, NEW.price);
        ELSIF OLD.folded_attributes IS NULL THEN
            NEW.amount := CASE WHEN NEW.price IS DISTINCT FROM OLD.price THEN NEW.price
                ELSE coalesce(NEW.amount, NEW.price) END;
        ELSIF NEW.price IS DISTINCT FROM OLD.price AND NEW.amount IS NOT DISTINCT FROM OLD.amount THEN
            NEW.amount := NEW.price;
            NEW.list_price := NULL;
            NEW.sale_price := NULL;
            NEW.sale_from := NULL;
            NEW.sale_until := NULL;
        END IF;
        NEW.price := CASE WHEN NEW.amount IS NOT NULL THEN least(round(NEW.amount, 2), 9999999999.99) END;
        IF TG_OP = 'INSERT' OR OLD.folded_brand IS NULL OR NEW.brand IS DISTINCT FROM OLD.brand THEN
            NEW.folded_brand := catalog_fold(NEW.brand);
        END IF;
        IF TG_OP = 'INSERT' OR OLD.folded_attributes IS NULL OR NEW.attributes IS DISTINCT FROM OLD.attributes THEN
            NEW.folded_attributes := catalog_fold_attributes(NEW.attributes);
        END IF;
        RETURN NEW;
    END
    $$;
"""

# The numbers of a product's attributes, for ranges: numbers, and texts that are written like one. A longer name would not
# fit into an index.
NUMBERS = r"""
CREATE OR REPLACE FUNCTION catalog_product_numbers() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            DELETE FROM catalog_attributenumber WHERE product_id = NEW.id;
        END IF;
        INSERT INTO catalog_attributenumber (product_id, name, value)
            SELECT DISTINCT NEW.id, named.key, (one #>> '{}')::float8
            FROM jsonb_each(NEW.folded_attributes) AS named, jsonb_array_elements(
                CASE jsonb_typeof(named.value) WHEN 'array' THEN named.value ELSE jsonb_build_array(named.value) END
            ) AS one
            WHERE octet_length(named.key) <= 800 AND jsonb_typeof(one) IN ('number', 'string')
                AND one #>> '{}' ~ '^[+-]?[0-9]{1,15}([.][0-9]{1,15})?$';
        RETURN NULL;
    END
    $$;
"""

TRIGGERS = """
CREATE OR REPLACE TRIGGER catalog_product_derive BEFORE INSERT OR UPDATE ON catalog_product
    FOR EACH ROW EXECUTE FUNCTION catalog_product_derive();
CREATE OR REPLACE TRIGGER catalog_product_numbers_new AFTER INSERT ON catalog_product
    FOR EACH ROW WHEN (NEW.folded_attributes <> '{}') EXECUTE FUNCTION catalog_product_numbers();
CREATE OR REPLACE TRIGGER catalog_product_numbers_changed AFTER UPDATE ON catalog_product
    FOR EACH ROW WHEN (NEW.folded_attributes IS DISTINCT FROM OLD.folded_attributes)
    EXECUTE FUNCTION catalog_product_numbers();
"""

UNDONE = """
DROP TRIGGER IF EXISTS catalog_product_numbers_changed ON catalog_product;
DROP TRIGGER IF EXISTS catalog_product_numbers_new ON catalog_product;
DROP TRIGGER IF EXISTS catalog_product_derive ON catalog_product;
DROP TABLE IF EXISTS catalog_attributenumber;
ALTER TABLE catalog_product
    DROP COLUMN IF EXISTS amount,
    DROP COLUMN IF EXISTS list_price,
    DROP COLUMN IF EXISTS sale_price,
    DROP COLUMN IF EXISTS sale_from,
    DROP COLUMN IF EXISTS sale_until,
    DROP COLUMN IF EXISTS folded_brand,
    DROP COLUMN IF EXISTS folded_attributes;
DROP FUNCTION IF EXISTS catalog_product_numbers();
DROP FUNCTION IF EXISTS catalog_product_derive();
DROP FUNCTION IF EXISTS catalog_fold_attributes(jsonb);
DROP FUNCTION IF EXISTS catalog_fold(text[]);
DROP FUNCTION IF EXISTS catalog_fold(text);
"""

NEW_INDEXES = {
    "product_by_currency_amount": "(currency, amount) INCLUDE (id, variant_group, published)",
    "product_by_folded_brand": "(folded_brand) INCLUDE (id, variant_group, published)",
    "product_folded_attributes": "USING gin (folded_attributes jsonb_path_ops)",
    "product_sale_begins": "(sale_from) WHERE sale_price IS NOT NULL AND list_price IS NULL",
    "product_sale_ends": "(sale_until) WHERE list_price IS NOT NULL AND sale_until IS NOT NULL",
}
OLD_INDEXES = {
    "product_by_currency_price": "(currency, price) INCLUDE (id, variant_group, published)",
    "product_by_brand": "(brand) INCLUDE (id, variant_group, published)",
    "product_attributes_gin": "USING gin (attributes jsonb_path_ops)",
}


def briefly(schema_editor, statements):
    """Run statements that lock the table for a moment; where a long transaction is in the way, let others pass and try again."""
    connection = schema_editor.connection
    for attempt in range(TRIES):
        try:
            with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '2s'")
                for statement in statements:
                    cursor.execute(statement)
            return
        except OperationalError:
            if attempt == TRIES - 1:
                raise
            time.sleep(1)


def fold(schema_editor):
    """How texts are folded on this server."""
    connection = schema_editor.connection
    folded = next(folded for version, folded in FOLDED if connection.pg_version >= version)
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_collation WHERE collname = 'und-x-icu')")
        if "und-x-icu" in folded and not cursor.fetchone()[0]:
            folded = FOLDED_ELSE
    return FOLD.format(folded=folded)


def add_columns(apps, schema_editor):
    briefly(schema_editor, [COLUMNS, fold(schema_editor), FOLDED_ATTRIBUTES, DERIVE, NUMBERS, TRIGGERS])


def remove_columns(apps, schema_editor):
    briefly(schema_editor, [UNDONE])


def fill(apps, schema_editor):
    """Write every row that is there once, in batches: the triggers fill the new columns."""
    connection = schema_editor.connection
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM catalog_product WHERE id > %s AND folded_attributes IS NULL ORDER BY id LIMIT %s",
                [last, BATCH],
            )
            ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return
        briefly(
            schema_editor,
            [f"UPDATE catalog_product SET brand = brand WHERE id BETWEEN {ids[0]} AND {ids[-1]} AND folded_attributes IS NULL"],
        )
        last = ids[-1]


def check_amounts(apps, schema_editor):
    """The new column's constraint, checked against the rows without keeping writers out."""
    drop_constraint(schema_editor, "product_amount_not_negative")
    briefly(
        schema_editor,
        [
            "ALTER TABLE catalog_product ADD CONSTRAINT product_amount_not_negative"
            " CHECK (amount >= 0 OR amount IS NULL) NOT VALID",
        ],
    )
    validate(schema_editor, "product_amount_not_negative")
    drop_constraint(schema_editor, "product_price_not_negative")


def check_prices(apps, schema_editor):
    drop_constraint(schema_editor, "product_price_not_negative")
    briefly(
        schema_editor,
        [
            "ALTER TABLE catalog_product ADD CONSTRAINT product_price_not_negative"
            " CHECK (price >= 0 OR price IS NULL) NOT VALID",
        ],
    )
    validate(schema_editor, "product_price_not_negative")
    drop_constraint(schema_editor, "product_amount_not_negative")


def drop_constraint(schema_editor, name):
    briefly(schema_editor, [f"ALTER TABLE catalog_product DROP CONSTRAINT IF EXISTS {name}"])


def validate(schema_editor, name):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE catalog_product VALIDATE CONSTRAINT {name}")


def build(schema_editor, indexes, instead_of):
    """Build indexes beside running writers, anew where a build broke off, then drop the others."""
    with schema_editor.connection.cursor() as cursor:
        for name, definition in indexes.items():
            cursor.execute(
                "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name]
            )
            found = cursor.fetchone()
            if found is not None and found[0]:
                continue
            cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            cursor.execute(f"CREATE INDEX CONCURRENTLY {name} ON catalog_product {definition}")
        for name in instead_of:
            cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def build_new(apps, schema_editor):
    build(schema_editor, NEW_INDEXES, OLD_INDEXES)


def build_old(apps, schema_editor):
    build(schema_editor, OLD_INDEXES, NEW_INDEXES)


PRICE = {
    "max_digits": 13,
    "decimal_places": 3,
    "null": True,
    "blank": True,
    "validators": [django.core.validators.MinValueValidator(Decimal("0"))],
}


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("catalog", "0002_product_by_currency_price"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunPython(add_columns, remove_columns),
                migrations.RunPython(fill, migrations.RunPython.noop),
                migrations.RunPython(check_amounts, check_prices),
                migrations.RunPython(build_new, build_old),
            ],
            state_operations=[
                migrations.RemoveConstraint(model_name="product", name="product_price_not_negative"),
                migrations.RemoveIndex(model_name="product", name="product_by_currency_price"),
                migrations.RemoveIndex(model_name="product", name="product_by_brand"),
                migrations.RemoveIndex(model_name="product", name="product_attributes_gin"),
                migrations.AlterField("product", "price", models.DecimalField(db_column="amount", **PRICE)),
                migrations.AddField(
                    "product",
                    "list_price",
                    models.DecimalField(help_text="The price without the sale, while there is one.", **PRICE),
                ),
                migrations.AddField(
                    "product",
                    "sale_price",
                    models.DecimalField(help_text="The price of a sale, now or later.", **PRICE),
                ),
                migrations.AddField("product", "sale_from", models.DateTimeField(null=True, blank=True)),
                migrations.AddField("product", "sale_until", models.DateTimeField(null=True, blank=True)),
                migrations.AddIndex(
                    "product",
                    models.Index(
                        fields=["currency", "price"],
                        include=["id", "group", "published"],
                        name="product_by_currency_amount",
                    ),
                ),
                migrations.AddIndex(
                    "product",
                    models.Index(
                        fields=["sale_from"],
                        condition=models.Q(sale_price__isnull=False, list_price__isnull=True),
                        name="product_sale_begins",
                    ),
                ),
                migrations.AddIndex(
                    "product",
                    models.Index(
                        fields=["sale_until"],
                        condition=models.Q(list_price__isnull=False, sale_until__isnull=False),
                        name="product_sale_ends",
                    ),
                ),
                migrations.AddConstraint(
                    "product",
                    models.CheckConstraint(
                        condition=models.Q(price__gte=0) | models.Q(price__isnull=True),
                        name="product_amount_not_negative",
                    ),
                ),
                migrations.CreateModel(
                    name="AttributeNumber",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "product_id", "name", "value", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("name", models.TextField()),
                        ("value", models.FloatField()),
                        (
                            "product",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="catalog.product",
                                db_index=False,
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                fields=["name", "value"], include=["product"], name="attribute_number_by_value"
                            )
                        ],
                    },
                ),
            ],
        ),
    ]
