"""Placeholders applied: the vectors of their photos removed from every space, and made again from the stored features of
pictures that are none any more.

Each step can be interrupted and repeated: a file is marked as withheld once its vectors are gone, and as no longer withheld
once they are back.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import QuerySet

from catalog.models import ProductImage
from recommender.encoder.stored_features import features_of
from recommender.index import stored
from recommender.index.feed import tell_after_commit
from recommender.locks import await_vector_writers, counting_placeholders, share_spaces
from recommender.merchandising import counting
from recommender.merchandising.recognition import judging_encoder, recognise
from recommender.models import Encoder, PlaceholderFile, Space
from recommender.pause import Pause
from recommender.pictures.backfill import backfill
from recommender.pipeline import gallery

# Files without hashes, as after an upgrade, are hashed for so long in each sweep: a fifth of a core. When all have been looked at,
# looking takes at most 2 % of one.
HASHING_SECONDS = 1.0
REST_SECONDS, REST_FOR_ITS_COST = 60.0, 50.0
rest = Pause()
_after = ""  # up to which digest this process has looked

BATCH = 500  # photos whose vectors are removed, or made, in one transaction

# Pictures that are no placeholders, by nobody's word, and whose photos have their vectors: nothing need be known of them.
_FORGET = """
WITH gone AS (
    SELECT id FROM recommender_placeholder picture
    WHERE ruling = '' AND NOT found AND counted_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM recommender_placeholderfile f WHERE f.placeholder_id = picture.id AND f.withheld)
    FOR UPDATE
), files AS (DELETE FROM recommender_placeholderfile WHERE placeholder_id IN (SELECT id FROM gone))
DELETE FROM recommender_placeholder WHERE id IN (SELECT id FROM gone)
"""


@dataclass(frozen=True)
class Applied:
    """Photos of placeholders whose vectors were removed, and photos of other pictures whose vectors were made again."""

    withheld: int
    returned: int


def sweep() -> Applied | None:
    """What beat has done every few seconds: hash files that have no hashes, count placeholders, apply them.

    None where another process counts at this moment. Call it outside a transaction.
    """
    _hash_some()
    return update()


def update(*, wait: bool = False, thoroughly: bool = False) -> Applied | None:
    """Count which pictures are placeholders and apply it; None where another process does so at this moment.

    With `wait` that one is waited for: a person ruled on a picture. `thoroughly`: look for new placeholders also while this
    process rests from that. Call it outside a transaction.
    """
    with counting_placeholders(wait=wait) as alone:
        if not alone:
            return None
        counting.count(thoroughly=thoroughly)
        return apply()


def apply() -> Applied:
    """Bring the vectors in line with what is known of placeholders. Call it under `counting_placeholders`."""
    hidden = _apply(PlaceholderFile.objects.filter(placeholder__is_placeholder=True, withheld=False), withheld=True)
    shown = _apply(PlaceholderFile.objects.filter(placeholder__is_placeholder=False, withheld=True), withheld=False)
    with connection.cursor() as cursor:
        cursor.execute(_FORGET)
    return Applied(hidden, shown)


def _hash_some() -> None:
    """Hash files that were embedded without, and note those that show a known picture."""
    global _after
    if rest.is_on():
        return
    began = time.monotonic()
    found = backfill(seconds=HASHING_SECONDS, after=_after)
    _after = found.after
    encoder = judging_encoder()
    if encoder is not None and found.hashes:
        recognise(encoder, found.hashes, {})
    if not found.after:
        rest.begin(max(REST_SECONDS, REST_FOR_ITS_COST * (time.monotonic() - began)))


def _apply(files: QuerySet[PlaceholderFile], *, withheld: bool) -> int:
    """Remove, or make, the vectors of the photos of files, and mark the files; how many photos they have."""
    digests = sorted(files.values_list("digest", flat=True))
    if digests and withheld:
        await_vector_writers()
    photos = 0
    for first in range(0, len(digests), BATCH):
        part = digests[first : first + BATCH]
        images = list(ProductImage.objects.filter(digest__in=part).order_by("pk").values_list("pk", flat=True))
        for start in range(0, len(images), BATCH):
            (_remove if withheld else _make)(images[start : start + BATCH])
        PlaceholderFile.objects.filter(digest__in=part).update(withheld=withheld)
        photos += len(images)
    return photos


def _remove(image_ids: Sequence[int]) -> None:
    for space in Space.objects.exclude(state=Space.State.RETIRED):
        with transaction.atomic():
            stored.delete(space=space, image_ids=image_ids)
            tell_after_commit(space, gone=image_ids)


def _make(image_ids: Sequence[int]) -> None:
    for encoder in gallery.encoders_in_use():
        _make_for(encoder, image_ids)


def _make_for(encoder: Encoder, image_ids: Sequence[int]) -> None:
    known, features = features_of(encoder.pk, image_ids)
    rows = ProductImage.objects.in_bulk(known.tolist())
    items = [
        gallery.EmbeddedPhoto(image_id, rows[image_id].product_id, rows[image_id].digest, row)
        for image_id, row in zip(known.tolist(), features, strict=True)
        if image_id in rows
    ]
    if not items:
        return
    prepared = gallery.prepare(encoder, items)
    with transaction.atomic():
        share_spaces()  # before the photos: a build that holds the spaces alone waits for photos
        gallery.store(prepared.only(_held(items)))


def _held(items: Sequence[gallery.EmbeddedPhoto]) -> set[int]:
    """Photos that still show the file that their features are of; whoever changes one waits until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, product_id, digest FROM catalog_productimage WHERE id = ANY (%s) ORDER BY id FOR NO KEY UPDATE",
            [[item.image_id for item in items]],
        )
        now = {(image_id, product_id, digest) for image_id, product_id, digest in cursor.fetchall()}
    return {item.image_id for item in items if (item.image_id, item.product_id, item.digest) in now}
