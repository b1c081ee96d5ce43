"""Is a product still the first answer when its photo was changed and is asked as a photo, through the product's own search?"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from django.core.files.storage import default_storage
from numpy.typing import NDArray
from PIL import Image

from catalog.models import ProductImage
from catalog.photos.reading import PhotoError, decode_photo
from recommender.bench.relevance.labelled import Labelled, Numbers
from recommender.bench.relevance.variants import VARIANTS, plain_ground
from recommender.encoder.preprocess import photo_to_pixels
from recommender.encoder.types import ImageEncoder
from recommender.evaluation.scores import interval, rounded
from recommender.models import Space
from recommender.search.filters import SearchOptions
from recommender.search.similarity import similar_to_features

# A larger photo is shrunk to this side before it is changed: four times as wide and high it would be no photo that is taken.
LARGEST_SIDE = 1024
_TOLD_EVERY = 50


def measure(
    shop: Labelled, queries: Numbers, *, space: Space, encoder: ImageEncoder, say: Callable[[str], None]
) -> dict[str, Any]:
    """By ground, `plain` (packshots) and `natural`: `photos`, and of each of VARIANTS the share of first answers that
    belong to the group of the photo that was changed, [low, mean, high]."""
    grounds: list[bool] = []
    firsts: list[list[bool]] = []
    asked: list[int] = []
    for number, row in enumerate(queries.tolist()):
        picture = _picture(int(shop.image_ids[row]))
        if picture is None:
            continue
        grounds.append(plain_ground(picture))
        firsts.append([_answered(change(picture), space, encoder, shop) == row for change in VARIANTS.values()])
        asked.append(row)
        if (number + 1) % _TOLD_EVERY == 0:
            say(f"{number + 1} of {len(queries)} photos changed in {len(VARIANTS)} ways")
    plain = np.array(grounds, bool)
    values, rows = np.array(firsts, float).reshape(-1, len(VARIANTS)), np.array(asked, np.int64)
    return {
        name: {"photos": int(mask.sum()), "first": _shares(values[mask], rows[mask])}
        for name, mask in (("plain", plain), ("natural", ~plain))
        if mask.any()
    }


def _shares(values: NDArray[np.float64], rows: Numbers) -> dict[str, list[float]]:
    return {name: list(rounded(interval(values[:, place], rows))) for place, name in enumerate(VARIANTS)}


def _answered(data: bytes, space: Space, encoder: ImageEncoder, shop: Labelled) -> int:
    """The row of the first answer; -1 where there is none, or the photo is refused."""
    try:
        pixels = photo_to_pixels(io.BytesIO(data), side=encoder.side, recipe=encoder.recipe)
    except PhotoError:
        return -1
    features = encoder.features(pixels)
    answer = similar_to_features(
        encoder_id=space.encoder_id, features=features, options=SearchOptions(limit=1), query={}
    )
    return shop.members.get(answer.found[0].product_id, -1) if answer.found else -1


def _picture(image_id: int) -> Image.Image | None:
    name = ProductImage.objects.values_list("file", flat=True).get(pk=image_id)
    try:
        with default_storage.open(name) as file:
            picture = decode_photo(io.BytesIO(file.read()))
    except (OSError, PhotoError):
        return None
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.BICUBIC)
    return picture
