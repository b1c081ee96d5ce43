"""From an encoder of an earlier recipe to the newest: the same kind of space on it, while the old one answers.

The old space stays complete and ready, and new photos are embedded by both encoders until it is retired.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from recommender.encoder.recipes import CURRENT
from recommender.encoder.store import EncoderNotCompiled
from recommender.locks import improving_alone
from recommender.models import Encoder, Space
from recommender.progress import Progress, silent
from recommender.spaces.automatic import active_with_encoder, built, enough_photos
from recommender.spaces.colour import usual_weight
from recommender.spaces.first import first_options, is_first_space
from recommender.spaces.options import DEFAULT_DIMENSIONS, SpaceOptions, may_have_colours, options_of
from recommender.spaces.switch import Switched, SwitchRefused, activate

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Upgraded:
    """`switched` None: there was nothing to upgrade, for the reason that `nothing` says."""

    switched: Switched | None
    nothing: str = ""


def upgrade(*, encoder: Encoder, progress: Progress = silent, warn: Callable[[str], None] = logger.warning) -> Upgraded:
    """Embed every photo with `encoder`, build the successor of the active space on it, judge it and switch to it.

    Interrupted and called again, it goes on; a space that was built is not built anew. Another process that fits or
    switches spaces by itself is waited for. Raises EncoderNotCompiled, BuildInProgress, SwitchRefused (the guard; the new
    space stays ready), and InvalidSpace and CannotFit.
    """
    with improving_alone(waits=warn):
        active = active_with_encoder()
        if nothing := why_nothing(active, encoder):
            return Upgraded(None, nothing)
        assert active is not None
        space = built(successor(active, encoder), fitted_before=True, progress=progress, warn=warn)
        return Upgraded(activate(space.name, by_itself=True, progress=progress))


def why_nothing(active: Space | None, encoder: Encoder) -> str:
    """Why there is nothing to upgrade; "" where there is. Raises SwitchRefused, EncoderNotCompiled: what must come first."""
    if active is None:
        raise SwitchRefused(
            "of the new encoder", "built", ["no space is active yet: `compile_encoder` makes the first"]
        )
    if encoder.recipe < CURRENT:
        raise EncoderNotCompiled(
            f"encoder {encoder.name} is of recipe {encoder.recipe}, the newest is {CURRENT}: "
            f"run `manage.py compile_encoder {encoder.name.partition('@')[0]}` first"
        )
    if active.encoder_id != encoder.pk:
        return ""
    unlike = encoder.colour_bins and not active.colour_dimensions
    way = "; it has no colour part by its options: `spaces build` makes one that has" if unlike else ""
    return f"space {active.name} is of {encoder.name}, the newest there is: nothing to upgrade{way}"


def successor(active: Space, encoder: Encoder) -> SpaceOptions:
    """The same kind of space on the new encoder, with a colour part where that has an exact meaning.

    Of a space that nobody asked for: what a shop with so many photos would have by itself.
    """
    if is_first_space(active):
        if enough_photos(active.encoder):
            return SpaceOptions(encoder=encoder, projection=Space.Kind.PCA, automatic=True)
        return first_options(encoder)
    options = replace(options_of(active), encoder=encoder)
    if active.colour_dimensions:
        return options
    usual = active.dimensions == DEFAULT_DIMENSIONS.get(Space.Kind(active.projection))
    if usual or active.projection == Space.Kind.NONE:
        options = replace(options, dimensions=None)
    weight = usual_weight(active.projection) if may_have_colours(options) else None
    return replace(options, colour_weight=weight)
