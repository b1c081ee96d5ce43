"""When what scores mean is fitted: with a build, with an evaluation, and by itself for whichever space answers."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from recommender.encoder.store import HEAVY_JOINED
from recommender.evaluation.calibration import LEAST_PHOTOS, calibrate
from recommender.merchandising.placeholders import placeholder_files
from recommender.models import ImageFeatures, Space
from recommender.progress import Progress, silent
from recommender.records.reading import MalformedRecord

logger = logging.getLogger(__name__)

# Fitted anew when there are more, or fewer, photos by this share, and in any case after so long, for labels change too.
GROWTH = 0.5
LONGEST = timedelta(days=1)


def keep_calibration(space: Space, *, progress: Progress = silent) -> None:
    """Fit what the scores of a complete space mean, and keep it on the space; nothing is kept where photos are too few."""
    space.calibrated = calibrate(space, progress=progress)
    Space.objects.filter(pk=space.pk).update(calibration=space.calibration)


def calibrate_active() -> bool:
    """Fit the active space where that is due; whether it was. May run twice, and on two machines: both find the same."""
    space = Space.objects.select_related("encoder").defer(*HEAVY_JOINED).filter(state=Space.State.ACTIVE).first()
    if space is None or not _is_due(space):
        return False
    keep_calibration(space)
    if space.calibrated is None:
        return False
    logger.info("the scores of space %s were given confidences", space.name)
    return True


def _is_due(space: Space) -> bool:
    photos = _searched(space)
    try:
        before = space.calibrated
    except MalformedRecord as error:
        logger.warning("%s: it is fitted anew", error)
        return True
    if before is None:
        return photos >= LEAST_PHOTOS
    if not before.photos / (1 + GROWTH) < photos < before.photos * (1 + GROWTH):
        return True
    return timezone.now() - before.fitted_at > LONGEST


def _searched(space: Space) -> int:
    """Photos of published products with features, as a calibration counts them: not those of placeholders."""
    features = ImageFeatures.objects.filter(encoder=space.encoder_id, digest=F("image__digest"))
    features = features.exclude(digest__in=placeholder_files().values("digest"))
    return features.filter(image__product__published=True).count()
