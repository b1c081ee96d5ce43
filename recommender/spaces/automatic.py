"""A better space without being asked for, as a shop grows: PCA when there are photos enough, learned where labels suffice.

A shop begins on a space that needs no fit. From SIMILAR_MIN_PHOTOS_FOR_PCA photos on a fitted one is built beside it,
judged on held-out photos and switched to where the guard agrees, and again each time the shop has grown by GROWTH. Only a
space that the product made by itself is ever replaced: one that a person built or activated stays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.db import transaction

from recommender.evaluation.labels import read_photos, too_few
from recommender.locks import improving_alone
from recommender.merchandising.placeholders import placeholder_files
from recommender.models import Encoder, ImageFeatures, Space
from recommender.progress import Progress, silent
from recommender.spaces.build import BuildInProgress, build_space
from recommender.spaces.fit import MAKEUP_LABELS, CannotFit
from recommender.spaces.listing import HEAVY
from recommender.spaces.options import InvalidSpace, SpaceOptions, spaces_like, unfinished
from recommender.spaces.switch import SwitchRefused, activate, retire

logger = logging.getLogger(__name__)

# A better space is looked for again when there are more photos than the last time by this share: so all attempts of a growing
# shop together cost some three times what the last one costs.
GROWTH = 0.5


@dataclass
class Improved:
    """What came of an attempt. `space`: the one that answers now, None before there is one. `before`: the one that answered
    until then, None where it still answers. `reasons`: why no better one answers, one sentence each."""

    space: Space | None
    before: Space | None = None
    reasons: list[str] = field(default_factory=list)


def improve(
    *, waits: bool = False, progress: Progress = silent, warn: Callable[[str], None] = logger.warning
) -> Improved:
    """Build, judge and switch to a better space, where the product made the active one and a better one may be had.

    May be called at any time, twice too: one process at a time does it, and goes on with what an interrupted one left.
    `waits`: for another process that is at it, instead of leaving it to that.
    """
    with improving_alone(waits=warn if waits else None) as alone:
        space = active_with_encoder()
        if not alone:
            return Improved(space, reasons=["another process fits or switches spaces by itself at this moment"])
        reason = why_not(space)
        if space is None or reason:
            return Improved(space, reasons=[reason])
        outcome = Improved(space)
        photos = _embedded(space.encoder_id)
        for options in _better(space, outcome.reasons):
            _try(options, outcome, progress, warn)
        assert outcome.space is not None
        _remember(outcome.space, photos)
        return outcome


def why_not(space: Space | None) -> str:
    """Why no better space is looked for while this one answers; "" where one is."""
    if space is None:
        return "no space is active yet: run `manage.py compile_encoder` first"
    if not space.automatic:
        return f"space {space.name} was chosen by a person, so the product replaces it by none; `spaces build` makes others"
    photos, last = _embedded(space.encoder_id), space.fit.improved_at_photos if space.fit else None
    if last is not None and photos < (1 + GROWTH) * last:
        return f"a better space was looked for at {last:,} photos, and there are {photos:,}"
    least = settings.SIMILAR_MIN_PHOTOS_FOR_PCA
    if photos < least or not enough_photos(space.encoder):
        return f"fewer than {least:,} photos (SIMILAR_MIN_PHOTOS_FOR_PCA) are embedded with {space.encoder.name}"
    return ""


def enough_photos(encoder: Encoder) -> bool:
    """Whether an encoder has seen so many different photos that a fit is worth while."""
    files = ImageFeatures.objects.filter(encoder=encoder).values("digest").distinct()
    return files.count() >= settings.SIMILAR_MIN_PHOTOS_FOR_PCA


def active_with_encoder() -> Space | None:
    """The active space as its row is now."""
    return Space.objects.select_related("encoder").defer(*HEAVY).filter(state=Space.State.ACTIVE).first()


def built(
    options: SpaceOptions, *, fitted_before: bool = False, progress: Progress, warn: Callable[[str], None]
) -> Space:
    """The space of these options, complete and judged: one that an interrupted run built is not built again.

    `fitted_before`: nor is one that answered before, however few photos there were when it was fitted. Raises
    InvalidSpace, CannotFit, BuildInProgress.
    """
    for space in spaces_like(options):
        waits = space.state == Space.State.READY and not unfinished(space) and space.automatic == options.automatic
        if waits and (fitted_before or space.activated_at is None):
            return space
    return build_space(options, progress=progress, warn=warn)


def _embedded(encoder_id: int) -> int:
    """Photos with features, without placeholders: more of those are no growth."""
    features = ImageFeatures.objects.filter(encoder=encoder_id)
    return features.exclude(digest__in=placeholder_files().values("digest")).count()


def _better(space: Space, reasons: list[str]) -> Iterator[SpaceOptions]:
    """What to try, one after the other. Where the active space was fitted and nothing was tried with it yet, an attempt
    was interrupted: it is not fitted again."""
    fresh = space.fit is not None and space.fit.improved_at_photos is None
    pca = SpaceOptions(encoder=space.encoder, projection=Space.Kind.PCA, automatic=True)
    if space.projection in Space.UNFITTED or (space.projection == Space.Kind.PCA and not fresh):
        yield pca
    if space.projection == Space.Kind.LEARNED and fresh:
        return
    few = too_few(read_photos(encoders=[space.encoder_id], labels=MAKEUP_LABELS))
    if few:
        reasons.append(f"nothing is learned from labels {MAKEUP_LABELS}: {few}")
    else:
        yield replace(pca, projection=Space.Kind.LEARNED, labels=MAKEUP_LABELS)


def _try(options: SpaceOptions, outcome: Improved, progress: Progress, warn: Callable[[str], None]) -> None:
    """Build, judge and switch; what the guard refuses is retired."""
    space = None
    try:
        space = built(options, progress=progress, warn=warn)
        switched = activate(space.name, by_itself=True, progress=progress)
    except BuildInProgress as error:
        outcome.reasons.append(str(error))
    except (InvalidSpace, CannotFit, SwitchRefused) as error:
        logger.info("no better space: %s", error)
        outcome.reasons.append(str(error))
        if space is not None:
            _retire(space)
    else:
        logger.info("space %s answers now, made without being asked for", switched.space.name)
        outcome.space, outcome.before = switched.space, switched.before
        _retire_older(switched.space, switched.before)


def _retire_older(space: Space, before: Space | None) -> None:
    """Retire the encoder's spaces that the product made by itself, but for these two: `before` stays to go back to."""
    kept = [one.pk for one in (space, before) if one is not None]
    older = Space.objects.filter(automatic=True, encoder=space.encoder_id).exclude(pk__in=kept)
    for one in older.exclude(state__in=[Space.State.RETIRED, Space.State.ACTIVE]):
        _retire(one)


def _retire(space: Space) -> None:
    """Not where somebody activated it or builds it meanwhile."""
    try:
        retire(space.name)
    except SwitchRefused as error:
        logger.warning("%s", error)


def _remember(space: Space, photos: int) -> None:
    with transaction.atomic():
        row = Space.objects.select_for_update().only("name", "fit_summary").get(pk=space.pk)
        if row.fit is not None:
            row.fit = replace(row.fit, improved_at_photos=photos)
            row.save(update_fields=["fit_summary"])
