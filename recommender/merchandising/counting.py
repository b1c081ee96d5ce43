"""Finds placeholders by counting the variant groups that show a picture.

Known pictures are counted anew each time, which costs in proportion to their photos. New ones are found in two steps, so that no
photo is compared with every other: one pass over the photos (about a second at 100,000) counts the groups of files with equal
hashes; then those that are on several groups, the candidates, are compared with the table of hashes, in one pass for all of them.
A candidate on too few groups is compared again once it is on more, or after an hour.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from recommender.merchandising.placeholders import GROUP
from recommender.merchandising.recognition import judging_encoder, members, note
from recommender.models import Encoder, Placeholder
from recommender.pause import Pause
from recommender.pictures.hashes import Hashes, hashes_by_digest, near_each

# A picture in many files has few hashes, for copies differ by 0 to 4 bits. So one that is on more groups than
# PLACEHOLDER_ABOVE_GROUPS is taken to be on a quarter as many with one and the same hash.
_SHARE_OF_ONE_HASH = 4
# The pass over the photos takes at most 2 % of one core.
REST_FOR_ITS_COST = 50.0
# Hashes that are looked at in one run; the others have their turn in the next ones.
MOST_CANDIDATES = 100

rest = Pause()
# Candidates that turned out to be on too few groups: on how many groups their hash was then, by digest. They are looked at
# again after an hour all the same: a near file may not have had features then.
_too_few: dict[str, int] = {}
_REMEMBERED_SECONDS = 3600.0
_remembering = Pause()

# Photos of one product have different files. A file without hashes yet stands for itself.
_CANDIDATES = f"""
SELECT mode() WITHIN GROUP (ORDER BY i.digest), count(DISTINCT {GROUP}) AS groups
FROM catalog_productimage i JOIN catalog_product p ON p.id = i.product_id
LEFT JOIN recommender_photohash hashed ON hashed.digest = i.digest
WHERE i.digest <> '' AND NOT EXISTS (SELECT FROM recommender_placeholderfile known WHERE known.digest = i.digest)
GROUP BY hashed.hashes[1], CASE WHEN hashed.digest IS NULL THEN i.digest END
HAVING count(*) > %(least)s AND count(DISTINCT {GROUP}) > %(least)s
ORDER BY 2 DESC, 1
"""  # noqa: S608 (SQL of our own)

_GROUPS = f"""
SELECT count(DISTINCT {GROUP}) FROM catalog_productimage i JOIN catalog_product p ON p.id = i.product_id
WHERE i.digest = ANY (%(digests)s)
"""  # noqa: S608

# Only what has changed is written. A picture that is to be looked for first (`counted_at` empty) is left alone.
_COUNT_KNOWN = f"""
WITH counted AS MATERIALIZED (
    SELECT known.id, (
        SELECT count(DISTINCT {GROUP}) FROM recommender_placeholderfile file
        JOIN catalog_productimage i ON i.digest = file.digest JOIN catalog_product p ON p.id = i.product_id
        WHERE file.placeholder_id = known.id
    ) AS groups FROM recommender_placeholder known WHERE known.counted_at IS NOT NULL
)
UPDATE recommender_placeholder picture
SET groups = counted.groups, found = counted.groups > %(most)s, counted_at = now() FROM counted
WHERE counted.id = picture.id AND (picture.groups, picture.found) <> (counted.groups, counted.groups > %(most)s)
"""  # noqa: S608

# A representative file that no photo shows any more gives way to the one that most photos show.
_REPRESENT = """
UPDATE recommender_placeholder picture SET digest = other.digest
FROM (
    SELECT DISTINCT ON (file.placeholder_id) file.placeholder_id, file.digest, count(*) AS photos
    FROM recommender_placeholderfile file JOIN catalog_productimage i ON i.digest = file.digest
    JOIN recommender_placeholder known ON known.id = file.placeholder_id
    WHERE NOT EXISTS (SELECT FROM catalog_productimage own WHERE own.digest = known.digest)
    GROUP BY file.placeholder_id, file.digest ORDER BY file.placeholder_id, photos DESC, file.digest
) other
WHERE other.placeholder_id = picture.id
"""


@dataclass(frozen=True)
class _Candidate:
    """A file that represents a picture, or may represent one. `known`: the row of that picture.

    `groups`: those that show a file of the same hash.
    """

    digest: str
    groups: int = 0
    known: Placeholder | None = None


def count(*, thoroughly: bool = False) -> None:
    """Count the known pictures, look for the files of those ruled on since, and for new placeholders.

    The last is left out while this process rests from it, but not if `thoroughly`. Call it under `counting_placeholders`,
    outside a transaction.
    """
    _run(_REPRESENT)
    _look_at(_known(Placeholder.objects.filter(counted_at=None)))
    _run(_COUNT_KNOWN, most=settings.PLACEHOLDER_ABOVE_GROUPS)
    if thoroughly or not rest.is_on():
        began = time.monotonic()
        # Known pictures are looked for again: a file that was embedded while its picture became known was seen by neither.
        _look_at([*_known(Placeholder.objects.all()), *_candidates(thoroughly)])
        _run(_COUNT_KNOWN, most=settings.PLACEHOLDER_ABOVE_GROUPS)
        rest.begin(REST_FOR_ITS_COST * (time.monotonic() - began))


def _known(pictures: QuerySet[Placeholder]) -> list[_Candidate]:
    """Any of them where there are many, so that each has its turn in one of the next runs."""
    return [_Candidate(one.digest, known=one) for one in pictures.order_by("?")[:MOST_CANDIDATES]]


def _candidates(thoroughly: bool) -> list[_Candidate]:
    """Files of hashes that are on several groups, and on more than when they were looked at last; most groups first."""
    with connection.cursor() as cursor:
        cursor.execute(_CANDIDATES, {"least": settings.PLACEHOLDER_ABOVE_GROUPS // _SHARE_OF_ONE_HASH})
        found = [_Candidate(digest, groups) for digest, groups in cursor.fetchall()]
    if thoroughly or not _remembering.is_on():
        _too_few.clear()
        _remembering.begin(_REMEMBERED_SECONDS)
    for digest in _too_few.keys() - {one.digest for one in found}:
        del _too_few[digest]
    return [one for one in found if one.groups > _too_few.get(one.digest, 0)][:MOST_CANDIDATES]


def _look_at(candidates: Sequence[_Candidate]) -> None:
    """Find the files of each candidate's picture; those on enough groups, and those ruled on, are known from now on."""
    if not candidates:
        return
    encoder = judging_encoder()
    hashes = hashes_by_digest(one.digest for one in candidates)
    hashed = [one.digest for one in candidates if one.digest in hashes]
    near = dict(zip(hashed, near_each([hashes[digest] for digest in hashed]), strict=True))
    taken: set[str] = set()
    for candidate in candidates:
        if candidate.digest not in taken:
            taken |= _look_at_one(candidate, near.get(candidate.digest, {}), encoder)


def _look_at_one(candidate: _Candidate, near: Mapping[str, Hashes], encoder: Encoder | None) -> set[str]:
    """The files of its picture if that is known now, else none."""
    if candidate.known is None and not _is_enough(_groups({candidate.digest, *near})):
        _too_few[candidate.digest] = candidate.groups
        return set()
    files = members(encoder, candidate.digest, near.keys())
    picture = candidate.known
    if picture is None:
        groups = _groups(files)
        if not _is_enough(groups):
            _too_few[candidate.digest] = candidate.groups
            return set()
        counted = {"groups": groups, "found": True, "counted_at": timezone.now()}
        picture, _ = Placeholder.objects.update_or_create(digest=candidate.digest, defaults=counted)
    note((digest, picture.pk) for digest in files)
    # Groups are counted next; a picture that is counted may be forgotten again, so its files are noted first.
    Placeholder.objects.filter(pk=picture.pk, counted_at=None).update(counted_at=timezone.now())
    return files


def _groups(digests: set[str]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS, {"digests": sorted(digests)})
        return int(cursor.fetchone()[0])


def _is_enough(groups: int) -> bool:
    return groups > settings.PLACEHOLDER_ABOVE_GROUPS


def _run(statement: str, **values: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
