"""Repeats: photos that show the same picture take one place of a page, though they are of different products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.index.session import rows
from recommender.models import Space
from recommender.pictures.hashes import SAME_WITHIN_BITS, Hashes, as_hashes, same_picture
from recommender.search.likeness import plain_features
from recommender.search.ranking.base import Candidates, Query, Step

_FILES = """
SELECT i.id, i.digest, h.hashes FROM catalog_productimage i
LEFT JOIN recommender_photohash h ON h.digest = i.digest WHERE i.id = ANY (%s)
"""
_COMPARED = 2**16  # pairs of photos whose hashes are compared at once: arrays of 2 MB

Images = Sequence[int]


class Repeats(Step[frozenset[int]]):
    """Keeps the best of the candidates that show the same: the same file, or one with near hashes and nearly equal features.

    What it knows of a photo: better photos that show the same as it. The query's own picture counts for nothing: a product
    that shows what the query shows is an answer like any other.
    """

    def read(
        self, *, space: Space, queries: Sequence[Query], candidates: Sequence[Candidates]
    ) -> Mapping[int, frozenset[int]]:
        pages = [
            [one.image_id for one in (*query.shown, *page)] for query, page in zip(queries, candidates, strict=True)
        ]
        pages = [page for page in pages if len(page) > 1]
        if not pages:
            return {}
        images = list({image for page in pages for image in page})
        files = {image: (digest, hashes) for image, digest, hashes in rows(_FILES, [images], binary=True)}
        digests = {image: digest for image, (digest, _) in files.items()}
        hashes = {image: as_hashes(numbers) for image, (_, numbers) in files.items() if numbers is not None}
        firsts = [_first_photos(page, digests) for page in pages]
        near = [_near_another([one for one in page.values() if one in hashes], hashes) for page in firsts]
        wanted = {image for page in near for image in page}
        features = plain_features(space, wanted) if wanted else {}
        known: dict[int, set[int]] = {}
        for page, of_files, suspects in zip(pages, firsts, near, strict=True):
            _repeats([one for one in suspects if one in features], hashes, features, known)
            for image in page:
                if image in digests and (first := of_files[digests[image]]) != image:
                    known.setdefault(image, set()).update((first, *known.get(first, ())))
        return {image: frozenset(better) for image, better in known.items()}

    def after(self, candidates: Candidates, *, query: Query, known: Mapping[int, frozenset[int]]) -> Candidates:
        if not known:
            return candidates
        shown = {one.image_id for one in query.shown}
        kept = []
        for one in candidates:
            if one.image_id not in known or shown.isdisjoint(known[one.image_id]):
                kept.append(one)
                shown.add(one.image_id)
        return tuple(kept)


def _first_photos(page: Images, digests: Mapping[int, str]) -> dict[str, int]:
    """The first photo of each file."""
    firsts: dict[str, int] = {}
    for image in page:
        if image in digests:
            firsts.setdefault(digests[image], image)
    return firsts


def _near_another(images: Images, hashes: Mapping[int, Hashes]) -> list[int]:
    """Those of the photos whose hashes are near those of another of them, in the same order."""
    if len(images) < 2:
        return []
    every = np.stack([hashes[image] for image in images])
    near = np.zeros(len(images), bool)
    step = max(1, _COMPARED // len(images))
    for start in range(0, len(images), step):
        wholes = every[start : start + step, 0]
        bits = np.bitwise_count(wholes[:, None, None] ^ every[None]).min(axis=-1)
        pairs = bits <= SAME_WITHIN_BITS
        pairs[np.arange(len(wholes)), start + np.arange(len(wholes))] = False
        near |= pairs.any(axis=0)
        near[start : start + step] |= pairs.any(axis=1)
    return [image for image, is_near in zip(images, near.tolist(), strict=True) if is_near]


def _repeats(
    images: Images,
    hashes: Mapping[int, Hashes],
    features: Mapping[int, NDArray[np.float32]],
    known: dict[int, set[int]],
) -> None:
    """Note for each of the photos, best first, which of the better ones that are no repeats it repeats."""
    kept: list[int] = []
    for image in images:
        same = [one for one in kept if same_picture(hashes[one], hashes[image], float(features[one] @ features[image]))]
        if same:
            known.setdefault(image, set()).update(same)
        else:
            kept.append(image)
