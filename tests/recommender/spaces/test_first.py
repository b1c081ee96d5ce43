"""What an encoder that knows neither colours nor a basis leaves a shop: its first space, and those that can be built."""

from __future__ import annotations

import pytest

from recommender.models import Encoder, Space
from recommender.spaces.build import build_space
from recommender.spaces.first import ensure_first_space
from recommender.spaces.options import InvalidSpace, SpaceOptions
from tests.recommender.spaces.gallery import (
    coloured_encoder,
)

pytestmark = pytest.mark.django_db


def test_a_shop_whose_encoder_has_no_basis_begins_on_plain_features(encoder: Encoder) -> None:
    space = ensure_first_space(encoder=encoder)
    assert (space.name, space.projection, space.automatic) == ("plain", "none", True)
    assert ensure_first_space(encoder=coloured_encoder()) == space


def test_an_encoder_without_colours_or_basis_is_refused_by_name(plain_space: Space) -> None:
    with pytest.raises(InvalidSpace, match=r"encoder drawn@1 counts no colours: .*`spaces upgrade`"):
        build_space(SpaceOptions(encoder=plain_space.encoder, projection="pca", dimensions=8, colour_weight=0.2))
    with pytest.raises(InvalidSpace, match="encoder drawn@1 has no basis of its own: use --projection pca"):
        build_space(SpaceOptions(encoder=plain_space.encoder, projection="basis"))
    assert (
        build_space(SpaceOptions(encoder=plain_space.encoder, projection="pca", dimensions=8, colour_weight=0)).name
        == "pca-8"
    )
