"""Features of real photos to derive vectors from: those stored here, or of ../shared, or of drawn pictures."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db import ProgrammingError
from numpy.typing import NDArray
from PIL import Image

from recommender.encoder.calibration import drawn_pictures
from recommender.encoder.colour import colour_histogram
from recommender.encoder.preprocess import image_to_pixels, photo_to_pixels
from recommender.encoder.serving import encoder_for
from recommender.encoder.store import HEAVY, EncoderNotCompiled, current_encoder
from recommender.models import Encoder, ImageFeatures

LEAST = 300
MOST = 6000
PHOTOS = tuple(Path("../shared/data") / name / "images" for name in ("clothing", "fashion"))  # those that are there


@dataclass(frozen=True, eq=False)
class Seeds:
    """`features` float32 (photos, dimensions of the encoder,), `colours` float32 (photos, colour bins,); `words`: of what."""

    features: NDArray[np.float32]
    colours: NDArray[np.float32]
    words: str


def seeds(say: Callable[[str], object]) -> Seeds:
    """Real photos to derive vectors from. Raises EncoderNotCompiled where neither features nor an encoder are at hand."""
    try:
        encoders = list(Encoder.objects.defer(*HEAVY).filter(colour_bins__gt=0))
    except ProgrammingError as error:
        raise EncoderNotCompiled("there are no tables yet: run `make demo` first") from error
    for encoder in encoders:
        rows = ImageFeatures.objects.filter(encoder=encoder).order_by("digest", "pk").distinct("digest")[:MOST]
        found = np.array([list(row.features) for row in rows], np.float32)
        if len(found) >= LEAST:
            words = f"{len(found)} photos of this shop, {encoder.name}"
            return Seeds(found[:, : encoder.dimensions], found[:, encoder.dimensions :], words)
    row = current_encoder()
    folders = [folder for folder in PHOTOS if (settings.BASE_DIR / folder).is_dir()]
    if folders:
        paths = [path for folder in folders for path in sorted((settings.BASE_DIR / folder).iterdir())][:MOST]
        where = " and ".join(map(str, folders))
        say(f"embedding {len(paths)} photos of {where} to derive vectors from")
        files: Iterable[bytes] = (path.read_bytes() for path in paths)
        pixels = (photo_to_pixels(io.BytesIO(file), side=row.side, recipe=row.recipe) for file in files)
        return _embedded(row, pixels, f"{len(paths)} photos of {where}, {row.name}")
    say("embedding 1000 drawn pictures to derive vectors from: there are no photos here")
    pictures = drawn_pictures(1000, side=row.side, seed=7)
    pixels = (image_to_pixels(Image.fromarray(one), side=row.side) for one in pictures)
    return _embedded(row, pixels, f"1000 drawn pictures, {row.name}")


def _embedded(row: Encoder, pixels: Iterable[NDArray[np.uint8]], words: str) -> Seeds:
    """Colours are counted here: an encoder of the first recipe does not."""
    encoder = encoder_for(row)
    photos = [(encoder.features(one)[: row.dimensions], colour_histogram(one)) for one in pixels]
    features, colours = (np.stack(part) for part in zip(*photos, strict=True))
    return Seeds(features, colours, words)


__all__ = ["EncoderNotCompiled", "Seeds", "seeds"]
