"""A learned space is for the classes that it was fitted on."""

from __future__ import annotations

import numpy as np
import pytest

from catalog.demo.drawing import KINDS, draw_product
from recommender.encoder.preprocess import image_to_pixels
from recommender.encoder.serving import encoder_for
from recommender.models import Encoder
from recommender.spaces.build import build_space
from recommender.spaces.first import ensure_first_space
from recommender.spaces.options import SpaceOptions
from recommender.spaces.switch import SwitchRefused, activate
from tests.recommender.spaces.gallery import Clothing, add_photos

pytestmark = [pytest.mark.photos, pytest.mark.django_db]


def test_a_space_fitted_on_another_catalogue_is_refused(clothing: Clothing, clothing_encoder: Encoder) -> None:
    """Fitted on drawn demo products, then the clothing comes: a learned space is for the classes it knows."""
    ensure_first_space(encoder=clothing_encoder)
    encoder = encoder_for(clothing_encoder)
    drawn = [(kind, seed) for kind in KINDS for seed in range(6)]
    pictures = (image_to_pixels(draw_product(kind, seed, 160), side=encoder.side) for kind, seed in drawn)
    features = np.stack([encoder.features(pixels) for pixels in pictures])
    add_photos(clothing_encoder, features, [f"Drawn > {kind}" for kind, _ in drawn], prefix="drawn")
    space = build_space(SpaceOptions(encoder=clothing_encoder, projection="learned", dimensions=32))
    some = slice(None, None, 3)
    add_photos(clothing_encoder, clothing.features[some], clothing.categories[some])
    with pytest.raises(SwitchRefused, match="it was made for another catalogue"):
        activate(space.name)
