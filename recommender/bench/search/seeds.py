"""Features of real photos to derive vectors from: those stored here, or of ../shared, or of drawn pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from PIL import Image

from recommender.encoder.calibration import drawn_pictures
from recommender.encoder.preprocess import image_to_pixels, photo_to_pixels
from recommender.encoder.serving import encoder_for
from recommender.encoder.store import EncoderNotCompiled, current_encoder
from recommender.models import Encoder, ImageFeatures

LEAST = 300
MOST = 5000
PHOTOS = Path("../shared/data/clothing/images")


def seeds(say: Callable[[str], object]) -> tuple[NDArray[np.float32], str]:
    """Features float32 (photos, dimensions of the encoder,), and in words what they are of.

    Raises EncoderNotCompiled where neither features nor an encoder are at hand.
    """
    stored = ImageFeatures.objects.values_list("encoder_id", flat=True).distinct()
    for encoder_id in stored:
        rows = ImageFeatures.objects.filter(encoder_id=encoder_id).order_by("digest", "pk").distinct("digest")[:MOST]
        found = np.array([list(row.features) for row in rows], np.float32)
        if len(found) >= LEAST:
            return found, f"{len(found)} photos of this shop, {Encoder.objects.only('name').get(pk=encoder_id).name}"
    row = current_encoder()
    encoder = encoder_for(row)
    folder = settings.BASE_DIR / PHOTOS
    if folder.is_dir():
        paths = sorted(folder.iterdir())[:MOST]
        say(f"embedding {len(paths)} photos of {PHOTOS} to derive vectors from")
        embedded = [
            encoder.features(photo_to_pixels(io.BytesIO(path.read_bytes()), side=encoder.side)) for path in paths
        ]
        return np.stack(embedded), f"{len(embedded)} photos of {PHOTOS}, {row.name}"
    say("embedding 1000 drawn pictures to derive vectors from: there are no photos here")
    pictures = drawn_pictures(1000, side=encoder.side, seed=7)
    embedded = [encoder.features(image_to_pixels(Image.fromarray(one), side=encoder.side)) for one in pictures]
    return np.stack(embedded), f"1000 drawn pictures, {row.name}"


__all__ = ["EncoderNotCompiled", "seeds"]
