"""Fitting what the scores of a space mean: the share of its answers at a score that have the query's label, in per cent.

Queries are photos of the catalogue, asked as the storefront asks: by the served fit, among all photos, one answer a duplicate
group. The answers of some fit the curves; those of others, asked likewise, judge them.

A learned space has a second fit, which held-out photos judge. Curves are not fitted to its answers, because shoppers see those of
the served fit: where the curve of the second says 50 %, 65 % of the served answers have the label (4,000 packshots, shape alone).
The error on photos that the fit never saw is kept beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from recommender.evaluation.answers import Answers, Compared, answered, projected, stored_vectors
from recommender.evaluation.dial import TENTHS
from recommender.evaluation.isotonic import calibration_error, labelled_knots, percentile_knots, reliability
from recommender.evaluation.judging import DEFAULT_LABELS, labels_of
from recommender.evaluation.labels import LabelledPhotos, read_photos
from recommender.evaluation.live import first_of_groups, searchable
from recommender.evaluation.scores import K
from recommender.models import Space
from recommender.progress import Progress, silent
from recommender.projection.apply import judged_projection_of, projection_of
from recommender.records.calibration import LABELS, PERCENTILE, Calibration, Curve
from recommender.records.fit import Fit

LEAST_PHOTOS = 50  # with fewer the answers to a query are the whole shop
LEAST_QUERIES = 30  # labelled ones, to fit on
# At most; a quarter of them judge what the others were fitted on. Answers of one query resemble each other.
QUERIES = 4000
# Of a larger catalogue so many photos are answers. The places of a page shrink with it: the nearest tenth of the photos holds
# five of the fifty nearest, whose scores are spread as those of the fifty.
MOST_PHOTOS = 20_000
_SEED = 21

Rows = NDArray[np.int64]


def calibrate(space: Space, *, progress: Progress = silent) -> Calibration | None:
    """The calibration of a complete space by its labels, else by category; by percentile where labels are too few.

    None with fewer than LEAST_PHOTOS photos of published products. Reads, writes nothing.
    """
    labels, photos = _labelled(space)
    if len(photos) < LEAST_PHOTOS:
        return None
    return _Fitting(space, photos, labels, progress).calibration()


def judging_products(space: Space) -> list[int]:
    """Ids of the products whose photos judge a calibration by labels that is fitted now: none of its curves was fitted on their
    answers."""
    labels, photos = _labelled(space)
    if not len(photos):
        return []
    fitting = _Fitting(space, photos, labels, silent)
    return fitting.judging_products()


def _labelled(space: Space) -> tuple[str, LabelledPhotos]:
    """By what photos are alike in a space, and the photos of published products with those labels."""
    labels = labels_of(space)
    if labels == "product":  # a product is no answer to itself
        labels = DEFAULT_LABELS
    return labels, searchable(read_photos(encoders=[space.encoder_id], labels=labels))


class _Fitting:
    """One calibration in the making.

    `_photos`: labels and groups of the photos that are answers, `_gallery` the same photos in the parts of the space; `_fitting`,
    `_judging`: the rows of those that ask.
    """

    def __init__(self, space: Space, photos: LabelledPhotos, labels: str, progress: Progress) -> None:
        self._space, self._labels, self._progress = space, labels, progress
        sample = _sample(photos)
        self._places = max(1, round(K * len(sample) / len(photos)))
        if space.augment:
            known, self._gallery = stored_vectors(space, sample.image_ids)
        else:
            known, self._gallery = projected(space, projection_of(space), sample.image_ids)
        self._searched = len(photos)
        self._photos = sample.taken(np.isin(sample.image_ids, known))
        self._fitting, self._judging = _queries(self._photos, labelled=True)

    def calibration(self) -> Calibration | None:
        if len(self._photos) < LEAST_PHOTOS:
            return None
        if len(self._fitting) < LEAST_QUERIES or len(np.unique(self._photos.classes[self._fitting])) < 2:
            return self._by_percentile()
        return self._by_labels()

    def judging_products(self) -> list[int]:
        ids: list[int] = self._photos.product_ids[self._judging].tolist()
        return ids

    def _by_labels(self) -> Calibration:
        weight = self._space.colour_weight if self._space.colour_dimensions else 0.0
        bins, curves, share = [], [], 0.0
        fitting, judging = self._ask(self._fitting), self._ask(self._judging)
        for taught, told in zip(fitting, judging, strict=True):
            scores, confidences = labelled_knots(*_pairs(taught, self._photos, self._fitting))
            curve = _curve(taught.weight, scores, confidences)
            others, alike = _pairs(told, self._photos, self._judging)
            found = reliability(_confidences(curve, others), alike)
            if found:
                curve = replace(curve, error=round(calibration_error(found), 4))
            curves.append(curve)
            if taught.weight == weight:
                bins, share = found, float(alike.mean()) if len(alike) else 0.0
        own = next(one for one in curves if one.weight == weight)
        return Calibration(
            basis=LABELS,
            labels=self._labels,
            fitted_at=timezone.now(),
            photos=self._searched,
            queries=len(self._fitting),
            judged_queries=len(self._judging),
            curves=tuple(curves),
            reliability=tuple(bins),
            answers_share=round(share, 4),
            pairs_share=round(_pairs_share(self._photos), 4),
            unseen_error=self._unseen_error(own),
        )

    def _by_percentile(self) -> Calibration | None:
        asking = np.concatenate(_queries(self._photos, labelled=False))
        curves = []
        for page in self._ask(asking):
            scores = page.scores[page.rows >= 0].astype(np.float64)
            if len(scores):
                curves.append(_curve(page.weight, *percentile_knots(scores)))
        if not curves:  # every photo is of one group: nobody is answered
            return None
        return Calibration(
            basis=PERCENTILE,
            labels="",
            fitted_at=timezone.now(),
            photos=self._searched,
            queries=len(asking),
            judged_queries=0,
            curves=tuple(curves),
        )

    def _ask(self, rows: Rows) -> list[Answers]:
        """The answers to those photos at every weight of colour that is fitted."""
        queries = self._gallery.taken(rows)
        if self._space.augment:  # a query is never averaged with its neighbours
            _, queries = projected(self._space, projection_of(self._space), self._photos.image_ids[rows])
        return self._answered(queries, rows, self._gallery, _weights(self._space))

    def _answered(self, queries: Compared, rows: Rows, gallery: Compared, weights: Sequence[float]) -> list[Answers]:
        return answered(
            self._space,
            queries,
            gallery,
            query_groups=self._photos.groups[rows],
            groups=self._photos.groups,
            weights=weights,
            places=self._places,
            progress=self._progress,
        )

    def _unseen_error(self, curve: Curve) -> float | None:
        """The error of a curve on the held-out photos, by the fit that has not seen them; None where nothing was learned."""
        if self._space.projection != Space.Kind.LEARNED or self._space.augment:
            return None
        held_out = np.isin(self._photos.image_ids, np.array((self._space.fit or Fit()).held_out or (), np.int64))
        asking = np.concatenate(_queries(self._photos, labelled=True, among=held_out))
        if not len(asking):
            return None
        _, gallery = projected(self._space, judged_projection_of(self._space), self._photos.image_ids)
        (page,) = self._answered(gallery.taken(asking), asking, gallery, [curve.weight])
        scores, alike = _pairs(page, self._photos, asking)
        bins = reliability(_confidences(curve, scores), alike)
        return round(calibration_error(bins), 4) if bins else None


def _weights(space: Space) -> list[float]:
    return sorted({*TENTHS, space.colour_weight}) if space.colour_dimensions else [0.0]


def _sample(photos: LabelledPhotos) -> LabelledPhotos:
    """Photos of whole groups, about MOST_PHOTOS of them, by a fixed seed."""
    names, places, counts = np.unique(photos.groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng(_SEED).permutation(len(names))
    chosen = np.zeros(len(names), bool)
    chosen[order[np.cumsum(counts[order]) <= max(MOST_PHOTOS, counts[order[0]])]] = True
    return photos.taken(chosen[places])


def _queries(photos: LabelledPhotos, *, labelled: bool, among: NDArray[np.bool_] | None = None) -> tuple[Rows, Rows]:
    """First photos of groups, by a fixed seed, at most QUERIES: those to fit on, and a quarter to judge."""
    asking = first_of_groups(photos)
    if labelled:
        asking &= photos.classes >= 0
    if among is not None:
        asking &= among
    drawn = np.random.default_rng(_SEED).permutation(np.flatnonzero(asking))[:QUERIES]
    judging = np.arange(len(drawn)) % 4 == 3
    return drawn[~judging], drawn[judging]


def _pairs(page: Answers, photos: LabelledPhotos, queries: Rows) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores of the answers that have a label, and whether it is the query's; both (answers,)."""
    classes = photos.classes[page.rows]
    told = (page.rows >= 0) & (classes >= 0)
    alike: NDArray[np.bool_] = (classes == photos.classes[queries][:, None])[told]
    return page.scores[told].astype(np.float64), alike


def _pairs_share(photos: LabelledPhotos) -> float:
    """How many of all pairs of labelled groups have the same label, 0 to 1."""
    classes = photos.classes[first_of_groups(photos) & (photos.classes >= 0)]
    counts = np.bincount(classes).astype(np.float64)
    return float((counts * (counts - 1)).sum() / max(1, len(classes) * (len(classes) - 1)))


def _curve(weight: float, scores: NDArray[np.float64], confidences: NDArray[np.float64]) -> Curve:
    return Curve(
        weight=weight, scores=tuple(scores.round(6).tolist()), confidences=tuple(confidences.round(3).tolist())
    )


def _confidences(curve: Curve, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.interp(scores, curve.scores, curve.confidences)
