"""How alike photos are in plain features, and whether their hashes confirm that they show the same picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.index.session import rows
from recommender.models import Space
from recommender.pictures.hashes import SAME_WITHIN_BITS, Hashes, UnreadablePhoto, bits_apart, photo_hashes
from recommender.projection.apply import unit


@dataclass(frozen=True)
class Likeness:
    """Of two photos that show the same: `cosine` of their plain features, `bits` between their hashes."""

    cosine: float
    bits: int


class KnownPhotos:
    """Features and hashes of photos, read for many at once and kept until `forget`.

    `threshold`: the least cosine of plain features at which two photos may show the same.
    """

    def __init__(self, space: Space, *, threshold: float) -> None:
        self.unreadable: dict[int, UnreadablePhoto] = {}
        self._space = space
        self._threshold = threshold
        self._features: dict[int, NDArray[np.float32] | None] = {}
        self._hashes: dict[int, Hashes | None] = {}

    def read_features(self, image_ids: Iterable[int]) -> None:
        """Read the features of those photos whose features are not known yet."""
        wanted = set(image_ids) - self._features.keys()
        if wanted:
            self._features |= dict.fromkeys(wanted) | dict(plain_features(self._space, wanted))

    def read_hashes(self, image_ids: Iterable[int]) -> None:
        """Read the hashes of those photos whose hashes are not known yet. What cannot be read is added to `unreadable`."""
        wanted = set(image_ids) - self._hashes.keys()
        if not wanted:
            return
        hashes, unreadable = photo_hashes(wanted)
        self._hashes |= dict.fromkeys(wanted) | dict(hashes)
        self.unreadable |= {one.image_id: one for one in unreadable}

    def alike(self, one: int, other: int) -> float | None:
        """The cosine of two photos whose features were read, if it reaches the threshold; at most 1."""
        a, b = self._features.get(one), self._features.get(other)
        if a is None or b is None:
            return None
        cosine = float(a @ b)
        return min(1.0, cosine) if cosine >= self._threshold else None

    def same(self, one: int, other: int) -> Likeness | None:
        """How alike two photos are that show the same; None for others and where that cannot be told."""
        self.read_features((one, other))
        cosine = self.alike(one, other)
        if cosine is None:
            return None
        self.read_hashes((one, other))
        a, b = self._hashes[one], self._hashes[other]
        if a is None or b is None or (bits := bits_apart(a, b)) > SAME_WITHIN_BITS:
            return None
        return Likeness(cosine, bits)

    def forget(self) -> None:
        """Let go of what was read; `unreadable` stays."""
        self._features.clear()
        self._hashes.clear()


def plain_features(space: Space, image_ids: Iterable[int]) -> Mapping[int, NDArray[np.float32]]:
    """Plain features of photos, without their colours, as unit vectors: float32 (dimensions of the encoder,)."""
    found = rows(
        "SELECT image_id, features FROM recommender_imagefeatures WHERE encoder_id = %s AND image_id = ANY (%s)",
        [space.encoder_id, list(image_ids)],
        binary=True,
    )
    if not found:
        return {}
    plain = unit(np.stack([features for _, features in found])[:, : space.encoder.dimensions])
    return {image_id: row for (image_id, _), row in zip(found, plain, strict=True)}
