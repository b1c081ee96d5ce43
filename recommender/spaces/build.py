"""Building a space beside the one that answers, step by step; every step can be interrupted and taken up again."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import transaction

from recommender.evaluation.judging import judge
from recommender.evaluation.planner_statistics import refresh_statistics
from recommender.evaluation.quality import quality_of
from recommender.evaluation.recall import recall_of
from recommender.index import lifecycle
from recommender.index.feed import feed
from recommender.index.registry import vector_index
from recommender.locks import hold_spaces, leave_build, take_build
from recommender.models import Space
from recommender.progress import Progress, silent
from recommender.spaces.active import active_beside
from recommender.spaces.calibrating import keep_calibration
from recommender.spaces.features import fill_features
from recommender.spaces.fill import fill, reconcile
from recommender.spaces.fit import CannotFit, check_labels, fit_space
from recommender.spaces.options import SpaceOptions, open_space

logger = logging.getLogger(__name__)


class BuildInProgress(RuntimeError):
    """Another process builds this space."""


def build_space(
    options: SpaceOptions,
    *,
    name: str | None = None,
    progress: Progress = silent,
    warn: Callable[[str], None] = logger.warning,
) -> Space:
    """Build a new space, or go on with an interrupted one of the same options: complete, judged, not active.

    Raises InvalidSpace and CannotFit (the space that could not be fitted is removed), BuildInProgress.
    """
    return continue_build(open_space(options, name=name), progress=progress, warn=warn)


def continue_build(space: Space, *, progress: Progress = silent, warn: Callable[[str], None] = logger.warning) -> Space:
    """Features, fit, vectors, index, judgement: whatever of these is still to come. Raises CannotFit, BuildInProgress."""
    space_id = space.pk  # a space that cannot be fitted is deleted, and has no id then
    if not take_build(space_id):
        raise BuildInProgress(f"another process builds space {space.name}; `spaces list` shows how far it is")
    try:
        if space.state == Space.State.BUILDING:
            _complete(space, progress, warn)
        judge_and_keep(space, progress=progress)
    finally:
        leave_build(space_id)
    return space


def judge_and_keep(space: Space, *, labels: str | None = None, progress: Progress = silent) -> None:
    """Judge a complete space, fit what its scores mean, and keep both on it. The latter is by its own labels always."""
    judgement = judge(space, rival=active_beside(space), labels=labels, progress=progress)
    recall, _ = recall_of(space)
    space.judged = quality_of(judgement, ann_recall=recall)
    space.save(update_fields=["quality"])
    keep_calibration(space, progress=progress)


def _complete(space: Space, progress: Progress, warn: Callable[[str], None]) -> None:
    refresh_statistics()
    try:
        if not _serves_already(space):
            check_labels(space)
            fill_features(space.encoder, progress=progress, warn=warn)
        if space.fit is None:
            fit_space(space, progress=progress)
    except CannotFit:
        _give_up(space)
        raise
    fill(space, progress=progress)
    feed(vector_index(), space)
    progress("building the index", 0, 1)
    vector_index().build(space=space)
    progress("building the index", 1, 1)
    fill(space, progress=progress)
    feed(vector_index(), space)
    with transaction.atomic():
        hold_spaces()
        reconcile(space)
        # One that was activated by force meanwhile stays active.
        Space.objects.filter(pk=space.pk, state=Space.State.BUILDING).update(state=Space.State.READY)
        space.refresh_from_db(fields=["state"])


def _serves_already(space: Space) -> bool:
    """Whether a complete space has this encoder: then its photos have features, and the pipeline embeds new uploads."""
    complete = Space.objects.filter(encoder_id=space.encoder_id, state__in=[Space.State.ACTIVE, Space.State.READY])
    return complete.exists()


def _give_up(space: Space) -> None:
    """Remove a space that cannot be fitted, with everything it has."""
    lifecycle.drop(space)
    space.delete()
