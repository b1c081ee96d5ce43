"""Fitting a space on the stored features: once on the training side, which is judged, once on all, which is served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from numpy.typing import NDArray

from catalog.models import ProductImage
from recommender.encoder.stored_features import batches
from recommender.evaluation.labels import LabelledPhotos, read_photos, too_few
from recommender.evaluation.split import Split, split_photos
from recommender.locks import hold_spaces
from recommender.models import ImageFeatures, Space
from recommender.progress import Progress
from recommender.projection.apply import PartedProjection
from recommender.projection.fit import fit_learned, fit_pca, rotated
from recommender.projection.parts import PartedStatistics, fit_parts
from recommender.records.fit import ChosenShrinkage, Fit, read_parameters
from recommender.spaces.projections import PROJECTIONS, set_projections, unfitted_projection
from recommender.spaces.shrinkage import shrinkage_of

# Names that are kept with a fit: enough for every shop's categories; of a longer list (products) none is.
MOST_NAMES = 10_000
MAKEUP_LABELS = "category"


class CannotFit(ValueError):
    """There is nothing to fit this projection on; the text says what would do."""


def fit_space(space: Space, *, progress: Progress) -> None:
    """Fit and save the projection of a building space; from the commit on, every new photo gets its vector in it.

    Raises CannotFit.
    """
    if space.projection in Space.UNFITTED:
        judged, served, fit = None, unfitted_projection(space), Fit()
    else:
        judged, served, fit = _fit(space, progress)
    if space.index == Space.Index.BINARY:
        judged, served = judged and _rotated(judged, space), _rotated(served, space)
    counts = makeup(space.encoder_id)
    fit = replace(
        fit,
        fitted_at=timezone.now(),
        asked=read_parameters(space.parameters, space=space.name),  # building the index may choose more
        photos=sum(counts.values()),
        makeup=counts,
        # Read last: whatever the fit has seen has no later id.
        last_features=ImageFeatures.objects.aggregate(last=Max("pk"))["last"] or 0,
    )
    with transaction.atomic():
        hold_spaces()
        set_projections(space, served=served, judged=judged)
        space.fit = fit
        space.save(update_fields=[*PROJECTIONS, "fit_summary"])


def check_labels(space: Space) -> None:
    """Raises CannotFit where the catalogue's labels are too few to learn from: asked before hours of embedding.

    Not while photos are still to be fetched, for any of them may be labelled.
    """
    if space.projection == Space.Kind.LEARNED and not ProductImage.objects.filter(digest="").exists():
        _enough(read_photos(encoders=[], labels=space.labels), space)


def makeup(encoder_id: int) -> Mapping[str, int]:
    """How many photos with features each category has, by slug ("" for none): a change of it is drift."""
    photos = read_photos(encoders=[encoder_id], labels=MAKEUP_LABELS)
    counts = photos.per_class()
    named = {name: int(counts[code]) for code, name in enumerate(photos.names)}
    return named | {"": int((photos.classes < 0).sum())}


def _fit(space: Space, progress: Progress) -> tuple[PartedProjection, PartedProjection, Fit]:
    learned = space.projection == Space.Kind.LEARNED
    photos = read_photos(encoders=[space.encoder_id], labels=space.labels or MAKEUP_LABELS)
    if learned:
        _enough(photos, space)
    usable = photos.classes >= 0 if learned else np.ones(len(photos), bool)
    largest = max(space.shape_dimensions, space.colour_dimensions)
    if usable.sum() <= largest:
        raise CannotFit(
            f"{largest} dimensions need more than as many photos to be fitted on, and there are {usable.sum()}: "
            f"use --dims {_advised(int(usable.sum()))}, or --projection none"
        )
    split = split_photos(photos, encoder_id=space.encoder_id, labels=space.labels or MAKEUP_LABELS, progress=progress)
    training = split.training & usable
    if learned and space.labels != "product":
        training &= ~split.unseen[photos.classes]
    served, judged = _statistics(space), _statistics(space)
    _gather(space, photos, usable, training, served, judged, progress)
    try:
        shrinkage = shrinkage_of(space, photos, training, progress=progress) if learned else None
        progress("fitting", 0, 2)
        result = _fitted(space, judged, shrinkage)
        progress("fitting", 1, 2)
        complete = _fitted(space, served, shrinkage)
    except ValueError as error:
        raise CannotFit(f"labels {space.labels}: {error}; use --projection pca") from error
    progress("fitting", 2, 2)
    return result, complete, _record(photos, split, training, shrinkage)


def _gather(
    space: Space,
    photos: LabelledPhotos,
    usable: NDArray[np.bool_],
    training: NDArray[np.bool_],
    served: PartedStatistics,
    judged: PartedStatistics,
    progress: Progress,
) -> None:
    """One pass over the features, sorted by class."""
    rows = np.flatnonzero(usable)
    rows = rows[np.argsort(photos.classes[rows], kind="stable")]
    done = 0
    for ids, features in batches(space.encoder_id, photos.image_ids[rows]):
        here = np.searchsorted(photos.image_ids, ids)
        classes = photos.classes[here] if space.projection == Space.Kind.LEARNED else None
        served.add(features, classes)
        part = training[here]
        judged.add(features[part], None if classes is None else classes[part])
        done += len(ids)
        progress("gathering statistics", done, len(rows))
    if judged.count < 2:
        raise CannotFit("the training side holds fewer than two photos: add photos, or use --projection none")


def _enough(photos: LabelledPhotos, space: Space) -> None:
    why = too_few(photos)
    if why is not None:
        raise CannotFit(f"labels {space.labels}: {why}; a learned projection needs more, use --projection pca instead")


def _record(
    photos: LabelledPhotos, split: Split, training: NDArray[np.bool_], shrinkage: ChosenShrinkage | None
) -> Fit:
    """The sides of the split and, of a learned projection, its classes; of more than MOST_NAMES none is named."""
    fit = Fit(judged_photos=int(training.sum()), held_out=tuple(photos.image_ids[split.held_out].tolist()))
    if shrinkage is None:
        return fit
    fit = replace(fit, labelled=int(photos.per_class().sum()), shrinkage=shrinkage)
    if len(photos.names) > MOST_NAMES:
        return fit
    known = np.bincount(photos.classes[training], minlength=len(photos.names)) > 0
    return replace(
        fit,
        classes=tuple(photos.names),
        judged_classes=tuple(name for code, name in enumerate(photos.names) if known[code]),
        unseen_classes=tuple(name for code, name in enumerate(photos.names) if split.unseen[code]),
    )


def _advised(photos: int) -> int:
    """The largest power of two below the number of photos, at most 128."""
    return max([1, *(power for power in (2, 4, 8, 16, 32, 64, 128) if power < photos)])


def _statistics(space: Space) -> PartedStatistics:
    bins = space.encoder.colour_bins if space.colour_dimensions else 0
    return PartedStatistics(shape_features=space.encoder.dimensions, colour_bins=bins)


def _fitted(space: Space, statistics: PartedStatistics, shrinkage: ChosenShrinkage | None) -> PartedProjection:
    return fit_parts(
        statistics,
        fit_pca if shrinkage is None else partial(fit_learned, shrinkage=shrinkage.value),
        shape_dimensions=space.shape_dimensions,
        colour_dimensions=space.colour_dimensions,
        colour_weight=space.colour_weight,
    )


def _rotated(projection: PartedProjection, space: Space) -> PartedProjection:
    return replace(projection, shape=rotated(projection.shape, space.dimensions))
