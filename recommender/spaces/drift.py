"""Whether the catalogue has moved away from what the active space was fitted on, and a refit where it has."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from recommender.locks import improving_alone
from recommender.merchandising.placeholders import placeholder_files
from recommender.models import ImageFeatures, Space
from recommender.records.fit import Drift, Fit
from recommender.spaces.build import BuildInProgress, build_space
from recommender.spaces.fit import CannotFit, makeup
from recommender.spaces.options import InvalidSpace, options_of
from recommender.spaces.switch import SwitchRefused, activate, retire

logger = logging.getLogger(__name__)

# After a refused refit the next is tried when the number of photos has changed by more than this share.
_RETRY_SHARE = 0.1


def check() -> Drift | None:
    """Measure the drift of the active space, keep it on the space, propose a refit or, where a setting says so, do it.

    Returns what was measured; None where nothing was fitted. May run twice, or on two machines: a build is one
    process's at a time.
    """
    space = Space.objects.select_related("encoder").filter(state=Space.State.ACTIVE).first()
    if space is None or space.projection in Space.UNFITTED:
        return None
    drift = measure(space)
    if drift is None:
        return None
    _keep(space, drift)
    if drift.proposal:
        logger.warning("space %s: %s", space.name, drift.proposal)
        if settings.REFIT_AUTOMATICALLY:
            _refit(space, drift)
    return drift


def measure(space: Space) -> Drift | None:
    """How far the photos have moved since the fit of the space; None where it does not say what it was fitted on."""
    fit = space.fit
    if fit is None or fit.makeup is None:
        return None
    now = makeup(space.encoder_id)
    photos, new = sum(now.values()), _embedded_since(fit, space.encoder_id)
    new_share = new / max(photos, 1)
    shift = _total_variation(fit.makeup, now)
    reasons = []
    if new_share > settings.DRIFT_NEW_SHARE:
        reasons.append(f"{new:,} of {photos:,} photos are new since it was fitted")
    if shift > settings.DRIFT_SHIFT:
        reasons.append(f"the shares of its categories have shifted by {shift:.0%}")
    proposal = f"{' and '.join(reasons)}: fit it anew with `spaces build {_same_options(space)}`" if reasons else None
    return Drift(
        measured_at=timezone.now(),
        photos=photos,
        new_share=round(new_share, 4),
        shift=round(shift, 4),
        proposal=proposal,
    )


def _embedded_since(fit: Fit, encoder_id: int) -> int:
    """Photos that were embedded since the fit, replaced ones too, placeholders not; of an early version's fit, that were stored since."""
    features = ImageFeatures.objects.filter(encoder=encoder_id)
    features = features.exclude(digest__in=placeholder_files().values("digest"))
    if fit.last_features is not None:
        return features.filter(pk__gt=fit.last_features).count()
    return features.filter(image__created_at__gt=fit.fitted_at).count() if fit.fitted_at else 0


def _total_variation(before: Mapping[str, int], now: Mapping[str, int]) -> float:
    then, present = max(sum(before.values()), 1), max(sum(now.values()), 1)
    names = before.keys() | now.keys()
    return sum(abs(before.get(name, 0) / then - now.get(name, 0) / present) for name in names) / 2


def _same_options(space: Space) -> str:
    words = [f"--encoder {space.encoder.name}", f"--projection {space.projection}", f"--dims {space.dimensions}"]
    if space.encoder.colour_bins:
        words.append(f"--color-weight {space.colour_weight:g}")
        words += [f"--color-dims {space.colour_dimensions}"] if space.colour_dimensions else []
    words += [f"--labels {space.labels}"] if space.labels else []
    words += [f"--augment {space.augment}"] if space.augment else []
    words += [f"--metric {space.metric}"] if space.metric != Space.Metric.COSINE else []
    words += [f"--index {space.index}"] if space.index != Space.Index.HNSW else []
    words += [f"--{name.replace('_', '-')} {value}" for name, value in space.asked_parameters.items()]
    return " ".join(words)


def _refit(space: Space, drift: Drift) -> None:
    """Build a space of the same options on the photos of now, and activate it where the guard lets it pass."""
    fit = space.fit
    refused_at = None if fit is None else fit.refit_refused_at_photos
    if refused_at is not None and abs(drift.photos - refused_at) <= _RETRY_SHARE * max(drift.photos, 1):
        return
    with improving_alone() as alone:
        if alone:
            _refit_alone(space, drift)


def _refit_alone(space: Space, drift: Drift) -> None:
    refitted = None
    try:
        refitted = build_space(options_of(space))
        activate(refitted.name, by_itself=True)
    except BuildInProgress:
        return
    except (InvalidSpace, CannotFit, SwitchRefused) as error:
        logger.warning("the refit of space %s was refused: %s", space.name, error)
        _keep(space, drift, refused_at_photos=drift.photos)
        _retire(refitted)
        return
    logger.info("space %s was fitted anew: %s answers", space.name, refitted.name)
    _retire(space)


def _retire(space: Space | None) -> None:
    """Retire a space that a refit replaced or made in vain; not where somebody activated it or builds it meanwhile."""
    if space is None:
        return
    try:
        retire(space.name)
    except SwitchRefused as error:
        logger.warning("%s", error)


def _keep(space: Space, drift: Drift, *, refused_at_photos: int | None = None) -> None:
    """Write the drift on the fit of the space, and where a refit was refused, at how many photos."""
    with transaction.atomic():
        row = Space.objects.select_for_update().only("name", "fit_summary").get(pk=space.pk)
        fit = row.fit
        if fit is None:
            return
        if refused_at_photos is not None:
            fit = replace(fit, refit_refused_at_photos=refused_at_photos)
        row.fit = replace(fit, drift=drift)
        row.save(update_fields=["fit_summary"])
