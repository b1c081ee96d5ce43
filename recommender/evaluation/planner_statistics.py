"""What Postgres' planner believes about the catalogue, brought up to date before whole tables are joined.

Right after an import it may still take the tables for empty and join them row by row: 1,192 photos then took more than
170 seconds.
"""

from __future__ import annotations

from django.db import connection


def refresh_statistics() -> None:
    """ANALYZE what `evaluate` and a build read: samples of bounded size, and no reader or writer waits for it."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_category, catalog_product, catalog_productimage, recommender_imagefeatures")
