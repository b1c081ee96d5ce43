"""The shrinkage of a learned projection: how strongly it learns, chosen by leaving classes out.

The stronger a fit whitens, the better it tells the classes apart that taught it, and the worse those that did not. So
classes and photos are dealt into DRAWS parts each, by a fixed seed, and each part in turn is kept from a fit: so each class
is left out once, and of the others each photo is held out once. Photos of the classes left out say what is lost, the
held-out ones what is gained, both against PCA fitted on the same photos. Nothing that judges the space later is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.encoder.stored_features import shape_batches
from recommender.evaluation.contestants import PCA_DIMENSIONS
from recommender.evaluation.labels import LabelledPhotos
from recommender.evaluation.rank import Contestant, relevant_of, score
from recommender.evaluation.scores import interval, rounded
from recommender.models import Space
from recommender.progress import Progress, silent
from recommender.projection.apply import unit
from recommender.projection.fit import axes_of, leading_axes, whitened_axes
from recommender.projection.statistics import Moments
from recommender.records.fit import ChosenShrinkage

# From the gentlest to the strongest.
SHRINKAGES = (0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
MOST_LOSS = 0.01  # of mAP@50 on classes left out, as a mean over the draws
DRAWS = 5
MOST_PHOTOS = 6_000
LEAST_OF_A_CLASS = 5
# Fits of this choice happen in the photos' leading axes alone, which hold nearly all of their variance: twenty times faster.
AXES = 512
MOST_QUERIES = 600  # on either side of a draw
# So many shrinkages in a row that lose too much, each more than the one before, end the search: stronger ones lose more.
# Where few dimensions are wanted the gentlest lose most, for they cut off what PCA would, and the search goes on.
_BEYOND = 2
_SEED = 12


_Asking = tuple[NDArray[np.int64], NDArray[np.int32]]  # queries, and the classes of all photos that judge


@dataclass(frozen=True, eq=False)
class Teaching:
    """Photos to learn from. `features` float32 (rows, n); `classes`, `groups` (duplicate groups) int (rows,).

    `families` int (rows,): the classes that are left out as one; those of a single label are the classes themselves.
    """

    features: NDArray[np.float32]
    classes: NDArray[np.int32]
    families: NDArray[np.int64]
    groups: NDArray[np.int64]


def shrinkage_of(
    space: Space, photos: LabelledPhotos, training: NDArray[np.bool_], *, progress: Progress = silent
) -> ChosenShrinkage:
    """The shrinkage of a space that is learned from the photos of the mask `training`, all of them labelled.

    Looks at MOST_PHOTOS of them. Raises ValueError where the photos of no class can teach anything.
    """
    rows = sample(photos.classes, np.flatnonzero(training))
    found = list(shape_batches(space.encoder_id, photos.image_ids[rows]))
    if not found:
        raise ValueError("no photo to learn from has features")
    rows = np.searchsorted(photos.image_ids, np.concatenate([ids for ids, _ in found]))
    products = space.labels == "product"  # photos of one product are each other's answers where that is the label
    teaching = Teaching(
        features=np.concatenate([features for _, features in found]),
        classes=photos.classes[rows],
        families=photos.families()[0][photos.classes[rows]],
        groups=np.arange(len(rows)) if products else photos.groups[rows],
    )
    return choose(teaching, dimensions=space.shape_dimensions, always_unseen=products, progress=progress)


def sample(classes: NDArray[np.int32], rows: NDArray[np.int64], most: int = MOST_PHOTOS) -> NDArray[np.int64]:
    """At most so many of `rows`, ascending: LEAST_OF_A_CLASS, and of what each class has beyond, the same share.

    Of so many classes that not even those find room, some are left away.
    """
    if len(rows) <= most:
        return rows
    generator = np.random.default_rng(_SEED)
    shuffled = generator.permutation(rows)
    shuffled = shuffled[np.argsort(classes[shuffled], kind="stable")]
    starts = np.flatnonzero(np.r_[True, np.diff(classes[shuffled]) != 0])
    counts = np.diff(np.r_[starts, len(shuffled)])
    kept = np.minimum(counts, LEAST_OF_A_CLASS)
    room = most - int(kept.sum())
    if room >= 0:
        kept += (counts - kept) * room // int((counts - kept).sum())
    else:
        order = generator.permutation(len(counts))
        kept[order[np.cumsum(kept[order]) > most]] = 0
    place = np.arange(len(shuffled)) - np.repeat(starts, counts)
    return np.sort(shuffled[place < np.repeat(kept, counts)])


def choose(
    teaching: Teaching, *, dimensions: int, always_unseen: bool = False, progress: Progress = silent
) -> ChosenShrinkage:
    """The shrinkage of the largest gain on seen classes whose loss on classes left out is at most MOST_LOSS.

    Where none loses so little: the one that loses least. `always_unseen`: classes are never met again, as products are
    not, so what counts is the gain on those left out. Raises ValueError as `fit_learned` does.
    """
    draws = _draws(teaching, dimensions, always_unseen)
    tried: dict[float, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    beyond, before = 0, 0.0
    for number, shrinkage in enumerate(SHRINKAGES):
        progress("choosing the shrinkage", number, len(SHRINKAGES))
        pairs = [draw.differences(shrinkage) for draw in draws]
        tried[shrinkage] = np.concatenate([one for one, _ in pairs]), np.concatenate([one for _, one in pairs])
        change = _mean(tried[shrinkage][1])
        beyond = beyond + 1 if change < min(-MOST_LOSS, before) else 0
        before = change
        if beyond == _BEYOND:
            break
    progress("choosing the shrinkage", len(SHRINKAGES), len(SHRINKAGES))
    unseen = {shrinkage: _mean(one) for shrinkage, (_, one) in tried.items()}
    gains = unseen if always_unseen else {shrinkage: _mean(one) for shrinkage, (one, _) in tried.items()}
    harmless = [shrinkage for shrinkage in tried if unseen[shrinkage] >= -MOST_LOSS]
    best = max(harmless, key=lambda one: gains[one]) if harmless else max(tried, key=lambda one: unseen[one])
    seen_gain, unseen_gain = tried[best]
    groups = np.concatenate([draw.seen_groups for draw in draws])
    families = np.concatenate([draw.left_out for draw in draws])
    return ChosenShrinkage(
        value=best,
        draws=len(draws),
        photos=len(teaching.classes),
        seen=rounded(interval(seen_gain, groups)) if len(seen_gain) else None,
        # Which classes come is what is not known of a loss: they are drawn whole.
        unseen=rounded(interval(unseen_gain, families)) if len(unseen_gain) else None,
    )


class _Draw:
    """A fit without some classes, and the photos that judge it at any shrinkage."""

    def __init__(
        self,
        rows: NDArray[np.float32],
        teaching: Teaching,
        left_out: NDArray[np.bool_],
        held_out: NDArray[np.bool_],
        dimensions: int,
        rest: float,
    ) -> None:
        """`rows`: the features along AXES; `rest`: their variance along all others. Masks bool (rows,)."""
        fit, judge = ~(left_out | held_out), left_out | held_out
        mean, total, within = _moments(rows[fit], teaching.classes[fit])
        self._values, axes = axes_of(within)
        self._total = axes.T @ total @ axes
        self._mean_variance = (self._values.sum() + rest) / teaching.features.shape[1]
        self._dimensions = dimensions
        self._vectors = (rows[judge] - mean) @ axes
        self._groups = teaching.groups[judge]
        unseen = left_out[judge]
        # Of several labels: those of a family left out are to find their family, whatever the other labels say.
        self._seen = self._asking(~unseen, teaching.classes[judge])
        self._unseen = self._asking(unseen, teaching.families[judge].astype(np.int32))
        self.seen_groups, self.left_out = self._groups[self._seen[0]], self._unseen[1][self._unseen[0]]
        self._pca = self._precisions(leading_axes(self._total, max(dimensions, PCA_DIMENSIONS)))

    def differences(self, shrinkage: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """AP@50 less that of PCA, of the queries of seen classes and of those left out, float64 (queries,) each."""
        matrix = whitened_axes(
            self._total, self._values, self._dimensions, shrinkage, mean_variance=self._mean_variance
        )
        seen, unseen = self._precisions(matrix)
        return seen - self._pca[0], unseen - self._pca[1]

    def _asking(self, side: NDArray[np.bool_], classes: NDArray[np.int32]) -> _Asking:
        rows = np.flatnonzero(side)
        rows = rows[relevant_of(rows, classes, self._groups) > 0]
        return np.sort(np.random.default_rng(_SEED).permutation(rows)[:MOST_QUERIES]), classes

    def _precisions(self, matrix: Moments) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        contestant = Contestant("fit", unit((self._vectors @ matrix).astype(np.float32)))
        return self._precision(contestant, *self._seen), self._precision(contestant, *self._unseen)

    def _precision(
        self, contestant: Contestant, queries: NDArray[np.int64], classes: NDArray[np.int32]
    ) -> NDArray[np.float64]:
        if not len(queries):
            return np.zeros(0)
        return score(contestant, queries=queries, classes=classes, groups=self._groups).values["map@50"]


def _draws(teaching: Teaching, dimensions: int, always_unseen: bool) -> list[_Draw]:
    generator = np.random.default_rng(_SEED)
    families = np.unique(teaching.families)
    part_of = dict(zip(generator.permutation(families).tolist(), np.arange(len(families)).tolist(), strict=True))
    part = np.array([part_of[family] for family in teaching.families.tolist()]) % DRAWS
    parts = int(part.max()) + 1  # fewer families than DRAWS are left out again, beside other photos
    rows, rest = _along_leading_axes(teaching.features)
    groups = np.unique(teaching.groups, return_inverse=True)[1].reshape(-1)
    held_out_by = generator.permutation(int(groups.max()) + 1)[groups] % DRAWS
    return [
        _Draw(
            rows,
            teaching,
            left_out=part == number % parts,
            held_out=(held_out_by == number) & (not always_unseen),
            dimensions=dimensions,
            rest=rest,
        )
        for number in range(DRAWS)
    ]


def _along_leading_axes(features: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Centred unit features along their AXES leading axes, float32 (rows, at most AXES), and the variance along the others."""
    rows = unit(features)
    rows = rows - rows.mean(axis=0)
    covariance = (rows.T @ rows).astype(np.float64) / len(rows)
    axes = leading_axes(covariance, AXES)
    along = rows @ axes.astype(np.float32)
    rest = float(np.trace(covariance) - (along.astype(np.float64) ** 2).sum() / len(rows))
    return along, max(rest, 0.0)


def _moments(rows: NDArray[np.float32], classes: NDArray[np.int32]) -> tuple[Moments, Moments, Moments]:
    """Mean, total and within-class covariance as of `Statistics`. Raises ValueError where no class has two photos."""
    order = np.argsort(classes, kind="stable")
    ordered, names = rows[order].astype(np.float64), classes[order]
    starts = np.flatnonzero(np.r_[True, np.diff(names) != 0]) if len(names) else np.zeros(0, np.int64)
    counts = np.diff(np.r_[starts, len(names)])
    paired = int(counts[counts > 1].sum())
    if not paired:
        raise ValueError("no class has two photos: there is nothing to learn from")
    mean = ordered.mean(axis=0)
    within = ordered - np.repeat(np.add.reduceat(ordered, starts, axis=0) / counts[:, None], counts, axis=0)
    centred = ordered - mean
    return mean, centred.T @ centred / len(ordered), within.T @ within / paired


def _mean(values: Sequence[float] | NDArray[np.float64]) -> float:
    """0 of none: then nothing speaks for a shrinkage or against it."""
    return float(np.mean(values)) if len(values) else 0.0
