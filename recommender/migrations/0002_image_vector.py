"""The partitioned vector table, and what stands in for its foreign keys.

`ImageVector` has no foreign keys: each partition would carry its own, and attaching and detaching partitions would lock
the catalogue. Triggers on the photo's table keep the same promise: no vector outlives its photo, none describes pixels
that were replaced, and a photo that moves takes its vectors along. They fire for bulk and raw writes too.
"""

from django.db import migrations

TABLE = """
CREATE TABLE recommender_imagevector (
    image_id bigint NOT NULL,
    space_id bigint NOT NULL,
    product_id bigint NOT NULL,
    vector halfvec NOT NULL,
    PRIMARY KEY (image_id, space_id)
) PARTITION BY LIST (space_id)
"""

DELETED = """
CREATE FUNCTION recommender_photos_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM recommender_imagevector WHERE image_id IN (SELECT id FROM gone);
    RETURN NULL;
END $$;
CREATE TRIGGER recommender_photos_deleted AFTER DELETE ON catalog_productimage
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION recommender_photos_deleted();
"""

REPLACED = """
CREATE FUNCTION recommender_photo_replaced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.digest <> OLD.digest THEN
        DELETE FROM recommender_imagevector WHERE image_id = NEW.id;
        DELETE FROM recommender_imagefeatures WHERE image_id = NEW.id AND digest <> NEW.digest;
    END IF;
    IF NEW.product_id <> OLD.product_id THEN
        UPDATE recommender_imagevector SET product_id = NEW.product_id WHERE image_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER recommender_photo_replaced AFTER UPDATE OF digest, product_id ON catalog_productimage
    FOR EACH ROW EXECUTE FUNCTION recommender_photo_replaced();
"""

# Trained weights do not compress: trying to only costs time at every write and read.
COMPILED = "ALTER TABLE recommender_encoder ALTER COLUMN compiled SET STORAGE EXTERNAL"


class Migration(migrations.Migration):
    dependencies = [("recommender", "0001_initial")]
    operations = [
        migrations.RunSQL(COMPILED, migrations.RunSQL.noop),
        migrations.RunSQL(TABLE, "DROP TABLE recommender_imagevector"),
        migrations.RunSQL(
            DELETED,
            "DROP TRIGGER recommender_photos_deleted ON catalog_productimage; DROP FUNCTION recommender_photos_deleted()",
        ),
        migrations.RunSQL(
            REPLACED,
            "DROP TRIGGER recommender_photo_replaced ON catalog_productimage; DROP FUNCTION recommender_photo_replaced()",
        ),
    ]
