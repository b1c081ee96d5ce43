"""Repeats: photos that show the same picture take one place of a page, though they are of different products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from recommender.index.session import rows
from recommender.models import Space
from recommender.pictures.hashes import SAME_WITHIN_BITS, Hashes, as_hashes, bits_apart, same_picture
from recommender.search.likeness import plain_features
from recommender.search.ranking.base import Candidates, Query, Step

_FILES = """
SELECT i.id, i.digest, h.hashes FROM catalog_productimage i
LEFT JOIN recommender_photohash h ON h.digest = i.digest WHERE i.id = ANY (%s)
"""
_COMPARED = 2**16  # pairs of photos whose hashes are compared at once: arrays of 2 MB

_LOOKED_UP = 50  # photos of a page whose pairs are looked up one by one, which takes 1 ms
REMEMBERED = 10_000  # verdicts, about 1 MB

Images = Sequence[int]

# Whether two files show the same, by `_Pairs._key`. What a file shows and what an encoder sees in it never changes.
_verdicts: dict[int, bool] = {}


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
        pairs = _Pairs(space, digests, hashes)
        pairs.prepare(near)
        known: dict[int, set[int]] = {}
        for page, of_files, suspects in zip(pages, firsts, near, strict=True):
            _repeats(suspects, pairs, known)
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


class _Pairs:
    """Whether two of some photos show the same picture.

    Verdicts on two files are remembered, for the same photos are found again and again, and features, 3 KB each, are read only
    of photos with near hashes on which a verdict is missing.
    """

    def __init__(self, space: Space, digests: Mapping[int, str], hashes: Mapping[int, Hashes]) -> None:
        self._space = space
        self._hashes = hashes
        self._files = {image: hash((space.encoder_id, digest)) for image, digest in digests.items()}
        self._known: dict[int, bool] = {}
        self._features: Mapping[int, NDArray[np.float32]] = {}

    def prepare(self, pages: Sequence[Images]) -> None:
        """Look up verdicts on any two of a page, and read what others need; of a long page all at once, for so many are the pairs."""
        wanted = {image for page in pages if len(page) > _LOOKED_UP for image in page}
        short = [page for page in pages if len(page) <= _LOOKED_UP]
        open_ = [pair for page in short for pair in combinations(page, 2) if not self._is_known(*pair)]
        wanted.update(*open_)
        if wanted:
            self._features = plain_features(self._space, wanted)
        for one, other in open_:
            self.are_same(one, other)

    def are_same(self, one: int, other: int) -> bool:
        """Photos without features show the same as no other."""
        key = self._key(one, other)
        if key not in self._known:
            a, b = self._features.get(one), self._features.get(other)
            if a is None or b is None:
                return False
            self._judge(key, same=same_picture(self._hashes[one], self._hashes[other], float(a @ b)))
        return self._known[key]

    def _is_known(self, one: int, other: int) -> bool:
        """Whether no features are needed to tell."""
        key = self._key(one, other)
        verdict = _verdicts.get(key)
        if verdict is not None:
            self._known[key] = verdict
        elif bits_apart(self._hashes[one], self._hashes[other]) > SAME_WITHIN_BITS:
            self._judge(key, same=False)
        return key in self._known

    def _judge(self, key: int, *, same: bool) -> None:
        if len(_verdicts) >= REMEMBERED:
            _verdicts.clear()
        self._known[key] = _verdicts[key] = same

    def _key(self, one: int, other: int) -> int:
        """Of two different files and the encoder, in either order: 64 bits, which no two of some thousand pairs share."""
        return self._files[one] ^ self._files[other]


def _repeats(images: Images, pairs: _Pairs, known: dict[int, set[int]]) -> None:
    """Note for each of the photos, best first, which of the better ones that are no repeats it repeats."""
    kept: list[int] = []
    for image in images:
        same = [one for one in kept if pairs.are_same(one, image)]
        if same:
            known.setdefault(image, set()).update(same)
        else:
            kept.append(image)
