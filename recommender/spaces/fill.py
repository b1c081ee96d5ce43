"""Vectors of a space from the stored features: written in batches, so that an interrupted fill goes on where it was."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray
from psycopg import sql

from recommender.encoder.stored_features import features_of
from recommender.index import stored
from recommender.index.partitions import partition_name
from recommender.index.types import VectorRow
from recommender.merchandising.placeholders import is_placeholder, withheld
from recommender.models import Space
from recommender.pipeline.augmentation import augmented
from recommender.progress import Progress, silent
from recommender.projection.apply import project
from recommender.projection.augment import augment
from recommender.projection.neighbours import nearest
from recommender.spaces.order import LEAST, by_nearness

BATCH = 5000
# So few missing vectors are augmented one by one against the gallery that is there; more are worth a pass over all
# features.
_FEW = 200

# Photos that get vectors: not those of placeholders.
_WITH_FEATURES = """
FROM recommender_imagefeatures f JOIN catalog_productimage i ON i.id = f.image_id AND i.digest = f.digest
WHERE f.encoder_id = {encoder} AND NOT {placeholder}
"""
_WITHOUT_VECTOR = "AND NOT EXISTS (SELECT FROM {partition} v WHERE v.image_id = f.image_id)"

# Vectors of photos that are gone, or show another file or a placeholder by now. Triggers and locks prevent them; they are
# looked for all the same before a space is trusted.
_STALE = """
DELETE FROM {partition} v WHERE NOT EXISTS (
    SELECT FROM recommender_imagefeatures f JOIN catalog_productimage i ON i.id = f.image_id AND i.digest = f.digest
    WHERE f.image_id = v.image_id AND f.encoder_id = {encoder} AND NOT {placeholder}
)
"""


@dataclass(frozen=True)
class Reconciled:
    """What was put right: vectors of photos gone or replaced, and photos without a vector."""

    removed: int
    added: int


def fill(space: Space, *, progress: Progress = silent) -> int:
    """Write the vector of every photo that has features and no vector yet; returns how many were written.

    Photos deleted or replaced while their batch is made are passed over. Committed batch by batch outside a
    transaction: what was written before an interruption stays. Many are written in the order of
    nearness (augmented ones of a large gallery cluster by cluster).
    """
    missing = missing_vectors(space)
    if space.augment and len(missing) and (len(missing) > _FEW or not stored.count(space=space)):
        return _fill_augmented(space, missing, progress)
    if len(missing) >= LEAST:
        missing = by_nearness(space, missing, progress)
    written = 0
    for start in range(0, len(missing), BATCH):
        ids = missing[start : start + BATCH]
        known, features = features_of(space.encoder_id, ids)
        if len(known):
            vectors = project(space, features)
            if space.augment:
                vectors = augmented(space, vectors, known.tolist())
            written += write_unchanged(space, known, vectors)
        progress("writing vectors", start + len(ids), len(missing))
    return written


def reconcile(space: Space) -> Reconciled:
    """Remove vectors of photos that are gone or were replaced, add what is missing; under the caller's lock or none."""
    with connection.cursor() as cursor:
        cursor.execute(_composed(space, _STALE))
        removed = cursor.rowcount
    return Reconciled(removed=removed, added=fill(space))


def missing_vectors(space: Space) -> NDArray[np.int64]:
    """Photos with features of the space's encoder and no vector in it, ascending ids int64."""
    return _ids(space, "SELECT f.image_id " + _WITH_FEATURES + _WITHOUT_VECTOR + " ORDER BY f.image_id")


def write_unchanged(space: Space, image_ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> int:
    """Store the vectors of photos whose features are still of the file they show, unless that shows a placeholder by now;
    whoever replaces one waits meanwhile.

    Vectors are written here in the order of nearness, those of a worker's lease in the order of ids: each could hold a
    row that the other needs next, for ever. So the photos are locked first, all at once and in the order of ids, by a lock
    that also keeps a lease from storing them until this transaction ends (recommender.pipeline.store); FOR SHARE would not.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.id, i.product_id, i.digest FROM catalog_productimage i JOIN recommender_imagefeatures f"
            " ON f.image_id = i.id AND f.digest = i.digest AND f.encoder_id = %s"
            " WHERE i.id = ANY (%s) ORDER BY i.id FOR NO KEY UPDATE OF i",
            [space.encoder_id, image_ids.tolist()],
        )
        held = cursor.fetchall()
        hidden = withheld([digest for _, _, digest in held])
        products = {image_id: product_id for image_id, product_id, digest in held if digest not in hidden}
        rows = [
            VectorRow(int(image_id), products[image_id], vector)
            for image_id, vector in zip(image_ids.tolist(), vectors, strict=True)
            if image_id in products
        ]
        return stored.load(space=space, rows=rows) if rows else 0


def _fill_augmented(space: Space, missing: NDArray[np.int64], progress: Progress) -> int:
    """Every photo's plain vector goes to a file that is mapped into memory; neighbours are found among those."""
    everyone = _ids(space, "SELECT f.image_id " + _WITH_FEATURES + " ORDER BY f.image_id")
    if len(missing) >= LEAST:
        everyone = by_nearness(space, everyone, progress)
    written = done = 0
    with tempfile.TemporaryDirectory(prefix="augment-") as folder:
        file: NDArray[np.float32] = np.lib.format.open_memmap(
            Path(folder) / "plain.npy", mode="w+", dtype=np.float32, shape=(len(everyone), space.dimensions)
        )
        kept = np.concatenate([np.zeros(0, np.int64), *_plain_vectors(space, everyone, file, progress)])
        plain = file[: len(kept)]
        for rows, near, cosines in nearest(plain, space.augment):
            wanted = np.isin(kept[rows], missing)
            if wanted.any():
                vectors = augment(plain[rows[wanted]], plain[near[wanted]], cosines[wanted])
                written += write_unchanged(space, kept[rows[wanted]], vectors)
            done += len(rows)
            progress("writing augmented vectors", done, len(kept))
    return written


def _plain_vectors(
    space: Space, image_ids: NDArray[np.int64], into: NDArray[np.float32], progress: Progress
) -> Iterator[NDArray[np.int64]]:
    """Fill `into` from its first row on; gives the ids written, batch by batch (photos that vanished leave no gap)."""
    row = 0
    for start in range(0, len(image_ids), BATCH):
        known, features = features_of(space.encoder_id, image_ids[start : start + BATCH])
        if len(known):
            into[row : row + len(known)] = project(space, features)
            row += len(known)
            yield known
        progress("projecting", start + BATCH, len(image_ids))


def _ids(space: Space, statement: str) -> NDArray[np.int64]:
    found = [np.zeros(0, np.int64)]
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_composed(space, statement))
        while rows := cursor.fetchmany(50_000):
            found.append(np.array(rows, np.int64)[:, 0])
    return np.concatenate(found)


def _composed(space: Space, statement: str) -> sql.Composed:
    return sql.SQL(statement).format(
        partition=sql.Identifier(partition_name(space)),
        encoder=sql.Literal(space.encoder_id),
        placeholder=sql.SQL(is_placeholder("i.digest")),
    )
