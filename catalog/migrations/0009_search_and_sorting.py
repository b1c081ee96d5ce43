"""Products are searched by words, sorted by price, title and age, and their SKUs are kept composed (NFC).

What is searched stands in a table of its own, which triggers keep: a change of price or stock does not touch its indexes. It is
filled in batches, and indexes are built beside running writers, so nothing here holds a lock for long. SKUs that are there
stay as they are; what is written from now on is composed. Every step may run again after a run that broke off.
"""

import time

import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.search import SearchVectorField
from django.core.management import CommandError
from django.db import OperationalError, migrations, models, transaction

BATCH = 1000
TRIES = 30

CONFIGURATION = """
SELECT min(c.oid::regconfig::text) FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace
WHERE (pg_ts_config_is_visible(c.oid) AND c.cfgname = %(name)s) OR n.nspname || '.' || c.cfgname = %(name)s
"""

TABLE = """
CREATE TABLE IF NOT EXISTS catalog_producttext (
    product_id bigint PRIMARY KEY REFERENCES catalog_product ON DELETE CASCADE,
    words tsvector NOT NULL,
    plain text NOT NULL
);
"""

# A text without case, accents and signs of trade: what is the same to somebody who types it is the same text.
PLAIN = """
CREATE OR REPLACE FUNCTION catalog_plain(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN normalize(
        replace(replace(replace(replace(translate(
            regexp_replace(normalize(catalog_fold(translate(value, '™®©℠', '    ')), NFKD), '[\\u0300-\\u036f]+', '', 'g'),
            'øłđðħŧı', 'olddhti'
        ), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
        NFC
    );
"""
# Runs of letters and digits of a plain text. Which characters are letters does not depend on the database's locale: beyond ASCII
# all are but punctuation, arrows and symbols.
PIECES = """
CREATE OR REPLACE FUNCTION catalog_pieces(plain text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN array_remove(
        regexp_split_to_array(
            plain, '([^a-z0-9\\u00c0-\\U0010ffff]|[\\u00d7\\u00f7\\u2000-\\u206f\\u2190-\\u2bff\\u3000-\\u303f])+'
        ),
        ''
    );
"""
LANGUAGE = """
CREATE OR REPLACE FUNCTION catalog_search_language() RETURNS regconfig
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '{language}'::regconfig;
"""
# Words as they are and as the language reduces them, and each two neighbours as one word, so that `tshirt` is in "T-Shirt".
DOCUMENT = """
CREATE OR REPLACE FUNCTION catalog_pairs(pieces text[]) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (SELECT coalesce(string_agg(one || other, ' '), '') FROM unnest(trim_array(pieces, 1), pieces[2:]) AS pair (one, other));
CREATE OR REPLACE FUNCTION catalog_search_document(title text, brand text, sku text) RETURNS tsvector
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    AS $$
    DECLARE
        of_language regconfig := catalog_search_language();
        of_title text[] := catalog_pieces(catalog_plain(title));
        of_brand text[] := catalog_pieces(catalog_plain(brand));
        of_sku text[] := catalog_pieces(catalog_plain(sku));
        titles text := array_to_string(of_title, ' ');
        brands text := array_to_string(of_brand, ' ');
        pairs text := concat_ws(' ',
            CASE WHEN cardinality(of_title) > 1 THEN catalog_pairs(of_title) END,
            CASE WHEN cardinality(of_brand) > 1 THEN catalog_pairs(of_brand) END,
            CASE WHEN cardinality(of_sku) > 1 THEN catalog_pairs(of_sku) END
        );
    BEGIN
        RETURN setweight(to_tsvector('simple', titles) || to_tsvector(of_language, titles), 'A')
            || setweight(to_tsvector('simple', brands) || to_tsvector(of_language, brands), 'B')
            || setweight(to_tsvector('simple', array_to_string(of_sku, ' ')), 'C')
            || setweight(to_tsvector('simple', pairs) || to_tsvector(of_language, pairs), 'D');
    END
    $$;
"""
KEEP = """
CREATE OR REPLACE FUNCTION catalog_product_text() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
    BEGIN
        INSERT INTO catalog_producttext AS t (product_id, words, plain)
            VALUES (
                NEW.id,
                catalog_search_document(NEW.title, NEW.brand, NEW.sku),
                catalog_plain(NEW.title || ' ' || NEW.brand || ' ' || NEW.sku)
            )
            ON CONFLICT (product_id) DO UPDATE SET words = excluded.words, plain = excluded.plain;
        RETURN NULL;
    END
    $$;
CREATE OR REPLACE FUNCTION catalog_product_sku() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
    BEGIN
        NEW.sku := normalize(NEW.sku, NFC);
        RETURN NEW;
    END
    $$;
"""
TRIGGERS = """
CREATE OR REPLACE TRIGGER catalog_product_sku_new BEFORE INSERT ON catalog_product
    FOR EACH ROW WHEN (NEW.sku IS NOT NFC NORMALIZED) EXECUTE FUNCTION catalog_product_sku();
CREATE OR REPLACE TRIGGER catalog_product_sku_changed BEFORE UPDATE OF sku ON catalog_product
    FOR EACH ROW WHEN (NEW.sku IS DISTINCT FROM OLD.sku AND NEW.sku IS NOT NFC NORMALIZED)
    EXECUTE FUNCTION catalog_product_sku();
CREATE OR REPLACE TRIGGER catalog_product_text_new AFTER INSERT ON catalog_product
    FOR EACH ROW EXECUTE FUNCTION catalog_product_text();
CREATE OR REPLACE TRIGGER catalog_product_text_changed AFTER UPDATE ON catalog_product
    FOR EACH ROW WHEN ((NEW.title, NEW.brand, NEW.sku) IS DISTINCT FROM (OLD.title, OLD.brand, OLD.sku))
    EXECUTE FUNCTION catalog_product_text();
"""
FILL = """
INSERT INTO catalog_producttext (product_id, words, plain)
SELECT id, catalog_search_document(title, brand, sku), catalog_plain(title || ' ' || brand || ' ' || sku)
FROM catalog_product WHERE id BETWEEN %s AND %s ORDER BY id FOR KEY SHARE ON CONFLICT DO NOTHING
"""

UNDONE = """
DROP TRIGGER IF EXISTS catalog_product_text_changed ON catalog_product;
DROP TRIGGER IF EXISTS catalog_product_text_new ON catalog_product;
DROP TRIGGER IF EXISTS catalog_product_sku_changed ON catalog_product;
DROP TRIGGER IF EXISTS catalog_product_sku_new ON catalog_product;
DROP TABLE IF EXISTS catalog_producttext;
DROP FUNCTION IF EXISTS catalog_product_sku();
DROP FUNCTION IF EXISTS catalog_product_text();
DROP FUNCTION IF EXISTS catalog_search_document(text, text, text);
DROP FUNCTION IF EXISTS catalog_search_language();
DROP FUNCTION IF EXISTS catalog_pairs(text[]);
DROP FUNCTION IF EXISTS catalog_pieces(text);
DROP FUNCTION IF EXISTS catalog_plain(text);
"""

# Adding 0 keeps filters by price away from the index of the order: `product_by_currency_amount` holds all that they count by.
INDEXES = {
    "product_text_words": "catalog_producttext USING gin (words)",
    "product_text_plain": "catalog_producttext USING gin (plain gin_trgm_ops)",
    "product_by_amount": "catalog_product ((amount + 0), id) WHERE published",
    "product_by_age": "catalog_product (created_at, id) WHERE published",
    "product_by_title": 'catalog_product (("left"(catalog_plain(title), 200) COLLATE "C"), id) WHERE published',
}


def briefly(schema_editor, statements):
    """Run statements that lock a table for a moment; where a long transaction is in the way, let others pass and try again."""
    connection = schema_editor.connection
    for attempt in range(1, TRIES + 1):
        try:
            with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '2s'")
                for statement in statements:
                    cursor.execute(statement)
            return
        except OperationalError:
            if attempt == TRIES:
                raise
            time.sleep(1)


def check_server(schema_editor):
    """Everything that may be missing is looked for before anything is made."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm')")
        if not cursor.fetchone()[0]:
            raise CommandError(
                "PostgreSQL's extension pg_trgm is missing, by which searches forgive typing errors: install the server's"
                " contrib package (postgresql-contrib) and run migrate again"
            )
        cursor.execute(CONFIGURATION, {"name": settings.SEARCH_LANGUAGE})
        language = cursor.fetchone()[0]
        if language is None:
            cursor.execute("SELECT string_agg(cfgname, ', ' ORDER BY cfgname) FROM pg_ts_config")
            raise CommandError(
                f"SEARCH_LANGUAGE is {settings.SEARCH_LANGUAGE!r}, which is no text search configuration of this PostgreSQL;"
                f" set it to one of: {cursor.fetchone()[0]}"
            )
    return language


def make(apps, schema_editor):
    language = check_server(schema_editor)
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    functions = [PLAIN, PIECES, LANGUAGE.format(language=language), DOCUMENT, KEEP]
    briefly(schema_editor, [TABLE, *functions])
    briefly(schema_editor, [TRIGGERS])


def unmake(apps, schema_editor):
    """The extension stays: other databases' owners may have made it, and others may use it."""
    briefly(schema_editor, [UNDONE])


def fill(apps, schema_editor):
    """The texts of all products that are there, in batches; the triggers see to those that are written meanwhile."""
    last = 0
    while True:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT id FROM catalog_product WHERE id > %s ORDER BY id LIMIT %s", [last, BATCH])
            ids = [row[0] for row in cursor.fetchall()]
            if not ids:
                cursor.execute("COMMENT ON FUNCTION catalog_search_language() IS 'of every product'")
                return
            cursor.execute(FILL, [ids[0], ids[-1]])
        last = ids[-1]


def build(apps, schema_editor):
    """Build indexes beside running writers, anew where a build broke off."""
    with schema_editor.connection.cursor() as cursor:
        for name, definition in INDEXES.items():
            cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name])
            found = cursor.fetchone()
            if found is not None and found[0]:
                continue
            cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            cursor.execute(f"CREATE INDEX CONCURRENTLY {name} ON {definition}")
        cursor.execute("ANALYZE catalog_producttext")


def drop(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for name in INDEXES:
            cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("catalog", "0008_api_keys"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunPython(make, unmake),
                migrations.RunPython(fill, migrations.RunPython.noop),
                migrations.RunPython(build, drop),
            ],
            state_operations=[
                migrations.CreateModel(
                    name="ProductText",
                    fields=[
                        (
                            "product",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                primary_key=True,
                                related_name="+",
                                serialize=False,
                                to="catalog.product",
                            ),
                        ),
                        ("words", SearchVectorField()),
                        ("plain", models.TextField()),
                    ],
                    options={},
                ),
            ],
        ),
    ]
