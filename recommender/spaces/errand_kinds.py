"""What a person may ask of spaces on the admin's pages, and what such an errand keeps; `errands` does them, in a worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recommender.encoder.store import HEAVY
from recommender.models import Encoder
from recommender.spaces.options import InvalidSpace, SpaceOptions

BUILD, JUDGE, ACTIVATE, RETIRE = "build_space", "judge_space", "activate_space", "retire_space"
# The kinds of errands about one space, by what the page says while they are done.
KINDS: Mapping[str, str] = {
    BUILD: "Building a space:",
    JUDGE: "Judging it on held-out photos:",
    ACTIVATE: "Activating it:",
    RETIRE: "Retiring it:",
}


def options_from(given: Mapping[str, Any]) -> SpaceOptions:
    """The options that an errand keeps; `encoder` is an id. Raises InvalidSpace where there is none of that id."""
    encoder = Encoder.objects.defer(*HEAVY).filter(pk=given["encoder"]).first()
    if encoder is None:
        raise InvalidSpace("the encoder is not there any more: choose another")
    return SpaceOptions(
        encoder=encoder,
        projection=given["projection"],
        dimensions=given.get("dimensions"),
        colour_weight=given.get("colour_weight"),
        labels=given.get("labels") or "",
    )
