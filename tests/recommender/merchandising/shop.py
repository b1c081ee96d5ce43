"""Shops with placeholders: drawn pictures with their real hashes, and features as an encoder of the tests gives them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from catalog.models import Product, ProductImage
from catalog.photos.hashes import PictureHashes, picture_hashes
from catalog.photos.reading import decode_photo
from recommender.index import stored
from recommender.index.types import VectorRow
from recommender.models import EmbeddingJob, ImageFeatures, Space
from recommender.pictures.hashes import keep
from recommender.projection.apply import project

Features = NDArray[np.float32]


@dataclass(frozen=True)
class File:
    """A photo file: its digest, its hashes, and what the encoder sees in it."""

    digest: str
    hashes: PictureHashes
    features: Features


def coming_soon(side: int = 400) -> Image.Image:
    """A picture such as shops have for products without a photo: a grey camera on light ground."""
    image = Image.new("RGB", (side, side), (236, 236, 238))
    draw = ImageDraw.Draw(image)
    unit = side / 100
    grey = (150, 152, 158)
    draw.rounded_rectangle((22 * unit, 34 * unit, 78 * unit, 70 * unit), radius=5 * unit, fill=grey)
    draw.rectangle((40 * unit, 27 * unit, 60 * unit, 36 * unit), fill=grey)
    draw.ellipse((38 * unit, 40 * unit, 62 * unit, 64 * unit), fill=(236, 236, 238))
    draw.ellipse((43 * unit, 45 * unit, 57 * unit, 59 * unit), fill=grey)
    draw.rectangle((25 * unit, 80 * unit, 75 * unit, 84 * unit), fill=(190, 190, 196))
    return image


def saved(image: Image.Image, *, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def re_encoded() -> list[bytes]:
    """The same picture in six files: other qualities and sizes."""
    sizes = [(800, 90), (800, 75), (800, 60), (600, 90), (500, 90), (1000, 85)]
    return [
        saved(coming_soon(1200).resize((side, side), Image.Resampling.LANCZOS), quality=quality)
        for side, quality in sizes
    ]


def hashed(data: bytes, features: Features) -> File:
    image = decode_photo(io.BytesIO(data), at_least=256)
    return File(hashlib.sha256(data).hexdigest(), picture_hashes(image), features)


def any_files(space: Space, count: int, *, seed: int = 0) -> list[File]:
    """Files of pictures that have nothing in common."""
    rng = np.random.default_rng(seed)
    return [
        File(
            hashlib.sha256(f"{seed} {number}".encode()).hexdigest(),
            tuple(rng.integers(0, 2**64, 4, np.uint64).tolist()),
            features,
        )
        for number, features in enumerate(any_features(space, count, rng))
    ]


def any_features(space: Space, count: int, rng: np.random.Generator) -> Features:
    """float32 (count, row width of the space's encoder)."""
    shapes = rng.normal(size=(count, space.encoder.dimensions))
    colours = rng.random(size=(count, space.encoder.colour_bins))
    return np.concatenate([shapes, colours], axis=1).astype(np.float32)


def stock(
    space: Space, photos: Sequence[Sequence[File]], *, groups: Sequence[str] | None = None, hashes: bool = True
) -> list[Product]:
    """A product for each sequence of files, embedded; its photos in that order."""
    names = groups or [""] * len(photos)
    first = Product.objects.count()
    products = Product.objects.bulk_create(
        Product(sku=f"S{first + number}", title=f"S{first + number}", group=group) for number, group in enumerate(names)
    )
    files = [
        (product, place, file) for product, of in zip(products, photos, strict=True) for place, file in enumerate(of)
    ]
    images = ProductImage.objects.bulk_create(
        ProductImage(product=product, digest=file.digest, file=f"{file.digest}.jpg", position=place, width=4, height=3)
        for product, place, file in files
    )
    of_file = [file for _, _, file in files]
    ImageFeatures.objects.bulk_create(
        ImageFeatures(image=image, encoder=space.encoder, digest=file.digest, features=file.features.tolist())
        for image, file in zip(images, of_file, strict=True)
    )
    EmbeddingJob.objects.bulk_create(
        EmbeddingJob(image=image, encoder=space.encoder, state=EmbeddingJob.State.DONE) for image in images
    )
    if hashes:
        keep({file.digest: file.hashes for file in of_file})
    vectors = project(space, np.stack([file.features for file in of_file]))
    stored.insert(
        space=space,
        rows=[VectorRow(image.pk, image.product_id, vector) for image, vector in zip(images, vectors, strict=True)],
    )
    return products
