"""The first space of a shop, made with its first encoder: there are answers before anybody builds a better space."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from recommender.index import lifecycle
from recommender.index.registry import vector_index
from recommender.locks import hold_spaces
from recommender.models import Encoder, Space
from recommender.records.fit import Fit
from recommender.spaces.active import forget_active_space
from recommender.spaces.options import SpaceOptions, new_space
from recommender.spaces.projections import set_projections, unfitted_projection


def first_options(encoder: Encoder) -> SpaceOptions:
    """Of the space that a shop begins on, which nothing need be fitted for: shape by the encoder's own basis, colours
    beside it; of an encoder without a basis or without colours the features as they are. Cosine, HNSW."""
    own = encoder.basis is not None and encoder.colour_bins > 0
    projection = Space.Kind.BASIS if own else Space.Kind.NONE
    return SpaceOptions(encoder=encoder, projection=projection, automatic=True)


def ensure_first_space(*, encoder: Encoder) -> Space:
    """The active space; where there is none, one by `first_options` is made, active at once.

    A shop so answers from its first photo on; better spaces are built beside it, by a person or by the product itself.
    """
    with transaction.atomic():
        hold_spaces()
        space = Space.objects.filter(state=Space.State.ACTIVE).first()
        if space is None:
            space = _first_space(encoder)
    if not vector_index().ready(space=space):
        vector_index().build(space=space)
    forget_active_space()
    return space


def is_first_space(space: Space) -> bool:
    """Whether nobody asked for this space: it is a shop's first, of this version or of one before."""
    fit = space.fit
    begun = fit is not None and fit.photos == 0 and fit.makeup is None
    return begun and space.projection in Space.UNFITTED and (space.automatic or not _chosen(space))


def _chosen(space: Space) -> bool:
    """Versions before this one did not write down who activated a space: a first one is active as soon as it is there."""
    activated = space.activated_at
    return activated is None or (activated - space.created_at).total_seconds() > 1


def _first_space(encoder: Encoder) -> Space:
    now = timezone.now()
    space = new_space(first_options(encoder))
    set_projections(space, served=unfitted_projection(space), judged=None)
    space.fit = Fit(fitted_at=now, photos=0)
    space.state, space.activated_at = Space.State.ACTIVE, now
    space.save()
    lifecycle.create(space)
    # It is empty, so its index is built at once and under the same lock: of two processes that begin together one builds.
    vector_index().build(space=space)
    return space
