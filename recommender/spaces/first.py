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

FIRST_SPACE = "plain"


def ensure_first_space(*, encoder: Encoder) -> Space:
    """The active space; where there is none, `plain` is made: the features as they are, cosine, HNSW, active at once.

    A shop so answers from its first photo on; better spaces are built beside it.
    """
    with transaction.atomic():
        hold_spaces()
        space = Space.objects.filter(state=Space.State.ACTIVE).first()
        if space is None:
            space = _plain_space(encoder)
    if not vector_index().ready(space=space):
        vector_index().build(space=space)
    forget_active_space()
    return space


def _plain_space(encoder: Encoder) -> Space:
    now = timezone.now()
    taken = Space.objects.filter(name__startswith=FIRST_SPACE).count()
    space = Space.objects.create(
        name=FIRST_SPACE if not taken else f"{FIRST_SPACE}-{taken + 1}",
        encoder=encoder,
        projection=Space.Kind.NONE,
        dimensions=encoder.dimensions,
        state=Space.State.ACTIVE,
        fit_summary=Fit(fitted_at=now, photos=0).as_json(),
        activated_at=now,
    )
    lifecycle.create(space)
    # It is empty, so its index is built at once and under the same lock: of two processes that begin together one builds.
    vector_index().build(space=space)
    return space
