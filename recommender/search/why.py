"""Why two photos match: which regions make up the cosine of their shapes, that of their colours, and the score of both.

What each region adds is worked out in shape_regions and colour_regions, and weighed in grids; here the photos are found and
read, their regions drawn onto them, and the results kept in Redis.
"""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import orjson
from django.core.files.storage import default_storage
from numpy.typing import NDArray
from PIL import Image

from catalog.models import ProductImage
from catalog.parameters import InvalidParameter
from catalog.photos.reading import decode_photo
from catalog.photos.squares import Box
from catalog.photos.storage_errors import storage_errors
from catalog.representation import image_json
from recommender.encoder.colour import colour_masses
from recommender.encoder.preprocess import framed_photo
from recommender.encoder.serving import COMPILED, encoder_for
from recommender.encoder.stored_features import features_of
from recommender.index import metrics
from recommender.index.parts import Scores, Weighing
from recommender.index.stored import vectors_of
from recommender.models import Space
from recommender.projection.apply import projection_of, unit
from recommender.redis_cache import RedisCache
from recommender.search.colour_regions import ColouredPhoto, explain_colours
from recommender.search.colours import weighing_of
from recommender.search.grids import Grids, weighed_grids
from recommender.search.query_products import QueryProduct, query_product
from recommender.search.shape_regions import explain
from recommender.search.space import current_space, in_active_space

CACHED_SECONDS = 24 * 3600
_OVERLAY_SIDE = 320
_HEAT = (255, 64, 0)
_MOST_OPAQUE = 200


class NotEmbedded(LookupError):
    """One of the products has no embedded photo, so there is nothing to explain."""


@in_active_space
def why(
    *,
    product_id: int,
    other_id: int,
    image_id: int | None = None,
    other_image_id: int | None = None,
    color_weight: float | None = None,
) -> dict[str, Any]:
    """The answer of the API. Grids and overlays are cached for a day, by space, pixels and weight of colour.

    Without images: by the query's primary photo, and by the photo of the other product that is nearest to it. Raises
    UnknownProduct, InvalidParameter, NotEmbedded, NoActiveSpace, PhotoError, EncoderMismatch, StorageUnavailable.
    """
    space = current_space()
    weighing = weighing_of(space, color_weight)
    query = query_product(space=space, product_id=product_id, image_id=image_id)
    other = query_product(space=space, product_id=other_id, image_id=other_image_id, every_photo=other_image_id is None)
    _check(query, "image", image_id)
    _check(other, "other_image", other_image_id)
    asking = query.photos[0]
    found = min(other.photos, key=lambda one: (_distance(space, weighing, asking.vector, one.vector), one.image_id))
    images = ProductImage.objects.select_related("product").in_bulk([asking.image_id, found.image_id])
    if len(images) < len({asking.image_id, found.image_id}):
        raise NotEmbedded("a photo was deleted at this moment; ask again")
    first, second = images[asking.image_id], images[found.image_id]
    scores = None if weighing is None else weighing.scores(asking.vector, found.vector)
    computed = _computed(space, first, second, weighing, scores)
    score = _score(space, asking.vector, second.pk, computed["pair_score"]) if scores is None else scores.score
    return {
        "pair_score": computed["pair_score"],
        "score": score,
        "scores": {"shape": score, "color": None}
        if scores is None
        else {"shape": scores.shape, "color": scores.colour},
        "query": {"image": image_json(first, title=first.product.title), **computed["query"]},
        "result": {"image": image_json(second, title=second.product.title), **computed["result"]},
    }


def overlay_png(grid: NDArray[np.float64], picture: Image.Image, box: Box) -> bytes:
    """The photo with its matching regions tinted: cells clipped at 0 and scaled to the largest, over what was encoded.

    `box`: what was encoded, in fractions of the photo; where it reaches beyond the photo, the cells there are not shown.
    """
    scale = _OVERLAY_SIDE / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    left, right = round(box[0] * size[0]), round(box[2] * size[0])
    top, bottom = round(box[1] * size[1]), round(box[3] * size[1])
    positive = np.clip(grid, 0, None)
    strength = positive / positive.max() if positive.max() > 0 else positive
    heat = Image.fromarray((strength * _MOST_OPAQUE).astype(np.uint8))
    mask = Image.new("L", size, 0)
    mask.paste(heat.resize((max(1, right - left), max(1, bottom - top)), Image.Resampling.BICUBIC), (left, top))
    base = picture.resize(size, Image.Resampling.BICUBIC)
    base.paste(Image.new("RGB", size, _HEAT), mask=mask)
    buffer = io.BytesIO()
    base.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _check(product: QueryProduct, parameter: str, image_id: int | None) -> None:
    if image_id is not None and product.image_id != image_id:
        raise InvalidParameter(parameter, f"product {product.product_id} has no photo {image_id}")
    if not product.photos:
        raise NotEmbedded(f"product {product.product_id} has no embedded photo: {product.detail or 'it is pending'}")


def _distance(space: Space, weighing: Weighing | None, one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    if weighing is None:
        return metrics.distance(space.metric, one, other)
    return -weighing.scores(one, other).score


def _computed(
    space: Space, first: ProductImage, second: ProductImage, weighing: Weighing | None, scores: Scores | None
) -> dict[str, Any]:
    """`pair_score`, and grids and overlay of both photos; from Redis where they were asked for before."""
    key = f"{space.pk}:{space.created_at.timestamp()}:{first.digest}:{second.digest}"
    if weighing is not None:
        key += f":{weighing.asked!r}"
    return _CACHE.get_or_make(key, lambda: _compute(space, first, second, weighing, scores))


def _compute(
    space: Space, first: ProductImage, second: ProductImage, weighing: Weighing | None, scores: Scores | None
) -> dict[str, Any]:
    files = [_read(image) for image in (first, second)]
    rows = _stored(space, first, second)
    serving = encoder_for(space.encoder, runtime=COMPILED)
    # Read as the pipeline reads them: the same pixels, so the same vectors.
    seen = [framed_photo(io.BytesIO(file), side=serving.side, recipe=serving.recipe) for file in files]
    maps = [serving.maps(pixels) for pixels, _ in seen]
    projection, split = projection_of(space), space.encoder.dimensions
    shape = explain(projection.shape, (maps[0], maps[1]), serving.pooling, (rows[0][:split], rows[1][:split]))
    if weighing is None or scores is None or projection.colour is None:
        sides = [Grids(plain=grid, shape=grid, colour=None, both=grid) for grid in (shape.query, shape.result)]
        pair_score = shape.pair_score
    else:
        coloured = [
            ColouredPhoto(colour_masses(pixels, cells=maps[0].shape[:2]), row[split:])
            for (pixels, _), row in zip(seen, rows, strict=True)
        ]
        cosine, *colours = explain_colours(projection.colour, coloured[0], coloured[1])
        held = weighing.stored
        pair_score = (1 - held) * shape.pair_score + held * cosine
        sides = [
            weighed_grids(weighing, scores, shape=of_shape, colour=of_colour)
            for of_shape, of_colour in zip((shape.query, shape.result), colours, strict=True)
        ]
    return {
        "pair_score": pair_score,
        "query": _side(sides[0], files[0], seen[0][1]),
        "result": _side(sides[1], files[1], seen[1][1]),
    }


def _from_bytes(kept: bytes) -> dict[str, Any] | None:
    try:
        computed = orjson.loads(kept)
    except orjson.JSONDecodeError:
        return None
    return computed if isinstance(computed, dict) and computed.keys() == {"pair_score", "query", "result"} else None


_CACHE: RedisCache[dict[str, Any]] = RedisCache(  # by space, the digests of both photos and the weight of colour
    prefix="why-parts:", seconds=CACHED_SECONDS, to_bytes=orjson.dumps, from_bytes=_from_bytes
)


def _stored(space: Space, first: ProductImage, second: ProductImage) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    known, features = features_of(space.encoder_id, [first.pk, second.pk])
    if len(known) < 2:
        raise NotEmbedded("a photo was replaced at this moment; ask again")
    return features[0], features[1]


def _read(image: ProductImage) -> bytes:
    try:
        with storage_errors("a photo could not be read from storage"), default_storage.open(str(image.file)) as file:
            data: bytes = file.read()
            return data
    except FileNotFoundError as error:
        raise NotEmbedded(f"the file of photo {image.pk} is gone: upload it again") from error


def _score(space: Space, vector: NDArray[np.float32], image_id: int, pair_score: float) -> float:
    """The score that an answer shows: by the space's metric, against the vector that the gallery holds."""
    held = vectors_of(space=space, image_ids=[image_id]).get(image_id)
    if held is None:
        return pair_score
    return metrics.score(space.metric, metrics.distance(space.metric, unit(vector), held))


def _side(grids: Grids, file: bytes, box: Box) -> dict[str, Any]:
    picture = decode_photo(io.BytesIO(file), at_least=_OVERLAY_SIDE)
    overlay = base64.b64encode(overlay_png(grids.both, picture, box)).decode()
    return {
        "grid": _rounded(grids.plain),
        "overlay": f"data:image/png;base64,{overlay}",
        "grids": {
            "shape": _rounded(grids.shape),
            "color": None if grids.colour is None else _rounded(grids.colour),
            "both": _rounded(grids.both),
        },
    }


def _rounded(grid: NDArray[np.float64]) -> list[list[float]]:
    return [[round(value, 8) for value in row] for row in grid.tolist()]
