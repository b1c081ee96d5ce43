"""What Postgres' planner believes about the catalogue, brought up to date before whole tables are joined.

After an import it may still take them for empty: then it joins them row by row: over 170 s for 1,192 photos were seen, and it had not ended.
"""

from __future__ import annotations

from django.db import connection


def refresh_statistics() -> None:
    """ANALYZE what `evaluate` and a build read: samples of bounded size, and no reader or writer waits for it."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_category, catalog_product, catalog_productimage, recommender_imagefeatures")
