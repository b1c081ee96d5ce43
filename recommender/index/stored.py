"""The vectors of spaces as Postgres keeps them, whatever the engine: written, counted, read and removed.

Raised throughout: SpaceGone where the partition of the space is no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import LiteralString

import numpy as np
import psycopg
from django.db import connection, transaction
from numpy.typing import NDArray
from psycopg import sql

from recommender.halfvec import HalfVector, cursor, halfvec_type, raw_connection
from recommender.index import session
from recommender.index.partitions import PARENT, partition_name
from recommender.index.session import Row
from recommender.index.types import VectorRow
from recommender.models import Space


def insert(*, space: Space, rows: Sequence[VectorRow]) -> int:
    """Store vectors, inside the caller's transaction or their own; how many were new.

    Skipped: photos that are gone, and those that have their vector. The photo's row is held until the transaction
    ends, so that a deletion or replacement waits and then removes the vector.
    """
    if not rows:
        return 0
    with connection.wrap_database_errors:
        return (
            cursor()
            .execute(
                sql.SQL(
                    "INSERT INTO {} (image_id, space_id, product_id, vector)"
                    " SELECT held.id, %s, held.product_id, given.vector"
                    " FROM (SELECT i.id, i.product_id FROM catalog_productimage i WHERE i.id = ANY (%s)"
                    " ORDER BY i.id FOR SHARE) held"
                    " JOIN unnest(%s::bigint[], %b::halfvec[]) given (image_id, vector) ON given.image_id = held.id"
                    " ON CONFLICT DO NOTHING"
                ).format(sql.Identifier(PARENT)),
                (space.pk, *[[row.image_id for row in rows]] * 2, [HalfVector(row.vector) for row in rows]),
            )
            .rowcount
        )


def load(*, space: Space, rows: Iterable[VectorRow]) -> int:
    """Store many vectors by binary COPY, laid down in the order given; returns how many were new.

    Rows of photos that are gone are skipped, as are those that have their vector already: an interrupted load can be
    repeated. The photo's row is held meanwhile, so that a deletion or replacement waits and then removes the vector.
    """
    stage = sql.Identifier(f"loading_{space.pk}")
    with transaction.atomic():
        raw = raw_connection()
        raw.execute(
            sql.SQL(
                "CREATE TEMPORARY TABLE {} (place int, image_id bigint, product_id bigint, vector halfvec) ON COMMIT DROP"
            ).format(stage)
        )
        raw.execute(sql.SQL("ALTER TABLE {} ALTER COLUMN vector SET STORAGE PLAIN").format(stage))
        with psycopg.Cursor(raw).copy(
            sql.SQL("COPY {} (place, image_id, product_id, vector) FROM STDIN (FORMAT binary)").format(stage)
        ) as copy:
            copy.set_types(["int4", "int8", "int8", halfvec_type(raw)])
            for place, row in enumerate(rows):
                copy.write_row((place, row.image_id, row.product_id, HalfVector(row.vector)))
        new = raw.execute(
            sql.SQL(
                "INSERT INTO {} (image_id, space_id, product_id, vector) SELECT held.id, {}, held.product_id, s.vector"
                " FROM (SELECT i.id, i.product_id FROM catalog_productimage i"
                " WHERE i.id IN (SELECT image_id FROM {}) ORDER BY i.id FOR SHARE) held JOIN {} s ON s.image_id = held.id"
                " ORDER BY s.place ON CONFLICT DO NOTHING"
            ).format(sql.Identifier(PARENT), sql.Literal(space.pk), stage, stage)
        ).rowcount
        raw.execute(sql.SQL("DROP TABLE {}").format(stage))
    return new


def delete(*, space: Space, image_ids: Sequence[int]) -> int:
    """Remove the vectors of those photos; how many there were."""
    return len(_of_partition(space, "DELETE FROM {} WHERE image_id = ANY (%s) RETURNING image_id", [list(image_ids)]))


def count(*, space: Space) -> int:
    """How many photos have a vector in the space."""
    return int(_of_partition(space, "SELECT count(*) FROM {}", [])[0][0])


def ids_of(*, space: Space, after: int, most: int) -> NDArray[np.int64]:
    """The ids of photos with a vector in the space that are greater than `after`, ascending, the first `most` of them."""
    found = _of_partition(
        space, "SELECT image_id FROM {} WHERE image_id > %s ORDER BY image_id LIMIT %s", [after, most]
    )
    return np.array(found, np.int64).reshape(-1)


def rows_of(*, space: Space, image_ids: Sequence[int]) -> list[VectorRow]:
    """What is stored of those photos that have a vector, by id."""
    found = _of_partition(
        space,
        "SELECT image_id, product_id, vector FROM {} WHERE image_id = ANY (%s) ORDER BY image_id",
        [list(image_ids)],
    )
    return [VectorRow(*row) for row in found]


def vectors_of(*, space: Space, image_ids: Sequence[int]) -> Mapping[int, NDArray[np.float32]]:
    """The stored vectors of those photos that have one, float32 (dimensions of the space,)."""
    return dict(_of_partition(space, "SELECT image_id, vector FROM {} WHERE image_id = ANY (%s)", [list(image_ids)]))


def _of_partition(space: Space, text: LiteralString, values: Sequence[object]) -> list[Row]:
    """The rows of one statement about the space's partition (`{}`). Raises SpaceGone."""
    return session.rows(sql.SQL(text).format(sql.Identifier(partition_name(space))), values, binary=True)
