"""Photos as queries: encoded here, in the process that was asked, by the compiled runtime.

Of a query photo only its features are kept, in Redis under the photo's digest, for QUERY_PHOTO_SECONDS: who asks again with
other filters or for another page need not wait for the encoder. The photo itself is never kept.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from catalog.parameters import InvalidParameter, number_in
from catalog.photos.squares import Crop
from recommender.encoder.preprocess import LEAST_CROP, photo_to_pixels
from recommender.encoder.serving import COMPILED, encoder_for
from recommender.models import Encoder
from recommender.redis_cache import RedisCache
from recommender.search.answers import Answer, EncoderChanged
from recommender.search.filters import SearchOptions
from recommender.search.similarity import similar_to_features
from recommender.search.space import current_space
from recommender.spaces.active import active_space

Work = Callable[[], None]

# A GIF of one pixel, written out: were it made here, Pillow would load its plugins, which only decoder processes need.
_BLANK = bytes.fromhex("474946383761010001008100000000000000000000000000002c000000000100010000080400010404003b")


def _at_once(work: Work) -> None:
    work()


def similar_to_photo(
    *, data: bytes, crop: Crop | None, options: SearchOptions, later: Callable[[Work], None] = _at_once
) -> Answer:
    """What looks like a photo, whole or cropped.

    `later` is given what need not be done before the answer is sent: keeping the features; by default it is done at once.
    Raises catalog.photos.reading.PhotoError, NoActiveSpace, EncoderMismatch.
    """
    digest = hashlib.sha256(data).hexdigest()
    query = {"sha256": digest, "crop": None if crop is None else list(crop)}
    while True:
        encoder = current_space().encoder
        features = encode(encoder=encoder, data=data, digest=digest, crop=crop, later=later)
        try:
            return similar_to_features(encoder_id=encoder.pk, features=features, options=options, query=query)
        except EncoderChanged:
            continue  # the space was switched meanwhile: encode with the encoder of the new one


def prepare() -> None:
    """Load the encoder of the active space and start a decoder, so that the first photo does not wait for them.

    Does nothing before a space is active. Raises EncoderMismatch, DecodersBusy and Postgres' errors.
    """
    space = active_space()
    if space is not None:
        serving = encoder_for(space.encoder, runtime=COMPILED)
        serving.features(photo_to_pixels(io.BytesIO(_BLANK), side=serving.side, recipe=serving.recipe))


def encode(
    *, encoder: Encoder, data: bytes, digest: str, crop: Crop | None, later: Callable[[Work], None] = _at_once
) -> NDArray[np.float32]:
    """The features of a photo, float32 (row width of the encoder,); kept by digest, crop and encoder if at all.

    `later` is given what keeps them, see `similar_to_photo`.
    """
    cache = _kept_features(encoder)
    key = f"{digest}:{'' if crop is None else ','.join(map(repr, crop))}"
    features = None if cache is None else cache.get(key)
    if features is None:
        serving = encoder_for(encoder, runtime=COMPILED)
        pixels = photo_to_pixels(io.BytesIO(data), side=serving.side, recipe=serving.recipe, crop=crop)
        made = features = serving.features(pixels)
        if cache is not None:
            later(lambda: cache.set(key, made))
    return features


def _kept_features(encoder: Encoder) -> RedisCache[NDArray[np.float32]] | None:
    """What is kept of an encoder's query photos; None where nothing is to be kept."""
    if settings.QUERY_PHOTO_SECONDS < 1:
        return None

    def from_bytes(kept: bytes) -> NDArray[np.float32] | None:
        return np.frombuffer(kept, np.float32) if len(kept) == 4 * encoder.row_width else None

    return RedisCache(
        prefix=f"query-photo:{encoder.sha256}:{encoder.pooling}:{encoder.recipe}:",
        seconds=settings.QUERY_PHOTO_SECONDS,
        to_bytes=lambda made: made.astype(np.float32).tobytes(),
        from_bytes=from_bytes,
    )


def parse_crop(text: str | None) -> Crop | None:
    """`x,y,w,h` in fractions of the upright photo. Raises InvalidParameter."""
    if not text:
        return None
    words = "four fractions of the photo are needed, x,y,width,height, such as 0.1,0.2,0.5,0.5, all inside it"
    try:
        x, y, width, height = (number_in(part) for part in text.split(","))
    except ValueError:
        raise InvalidParameter("crop", f"{text[:100]!r}: {words}") from None
    rounding = 0.001  # a caller's rounded fractions may add up to a little more than the photo
    inside = 0 <= x < 1 and 0 <= y < 1 and 0 < width <= 1 - x + rounding and 0 < height <= 1 - y + rounding
    if not inside:
        raise InvalidParameter("crop", f"{text[:100]!r}: {words}")
    width, height = min(width, 1 - x), min(height, 1 - y)
    if min(width, height) < LEAST_CROP:
        raise InvalidParameter("crop", f"{text[:100]!r}: width and height must be {LEAST_CROP:g} of the photo or more")
    return x, y, width, height
