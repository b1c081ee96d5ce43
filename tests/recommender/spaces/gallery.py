"""Galleries for the tests of spaces: features written straight into the database, of real photos or drawn by seed."""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.core.files.storage import default_storage
from django.db import transaction
from numpy.typing import NDArray
from pgvector import HalfVector

from catalog.models import Product, ProductImage
from config.local.folder import local_folder
from recommender.encoder.preprocess import photo_to_pixels
from recommender.encoder.recipes import CURRENT, RECIPES
from recommender.encoder.serving import encoder_for
from recommender.encoder.stored_features import features_of
from recommender.encoder.types import ImageEncoder
from recommender.index import stored
from recommender.models import EmbeddingJob, Encoder, ImageFeatures, Space
from recommender.pipeline.gallery import EmbeddedPhoto, prepare, store
from recommender.projection.apply import project
from recommender.spaces.first import ensure_first_space
from tests.catalog.factories import make_categories
from tests.recommender.search.gallery import make_encoder

CLOTHING = Path(__file__).resolve().parents[4] / "shared" / "data" / "clothing"
DIMENSIONS = 24


@dataclass(frozen=True)
class Clothing:
    """The real photos: paths, category paths and features float32 (1192, n), row by row."""

    paths: list[Path]
    categories: list[str]
    features: NDArray[np.float32]

    @property
    def classes(self) -> NDArray[np.int32]:
        return np.unique(self.categories, return_inverse=True)[1].astype(np.int32)


def read_clothing(encoder: Encoder) -> Clothing:
    """Embedded once a machine, kept by the encoder's hash."""
    with open(CLOTHING / "products.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    paths = [CLOTHING / row["image_link"] for row in rows]
    folder = local_folder() / "features_for_tests"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"clothing-{encoder.sha256[:16]}-{encoder.pooling}-{encoder.recipe}.npy"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            serving = encoder_for(encoder)
            with ThreadPoolExecutor(2) as pool:
                features = np.stack(list(pool.map(lambda path: serving.features(_pixels(path, serving)), paths)))
            np.save(kept, features)
    return Clothing(paths, [row["product_type"] for row in rows], np.load(kept))


def _pixels(path: Path, serving: ImageEncoder) -> NDArray[np.uint8]:
    return photo_to_pixels(io.BytesIO(path.read_bytes()), side=serving.side, recipe=serving.recipe)


def encoder_row(name: str = "drawn@1", dimensions: int = DIMENSIONS) -> Encoder:
    """An encoder that nobody runs: its features are given."""
    return make_encoder(dimensions, name)


def class_features(
    classes: int, photos: int, *, dimensions: int = DIMENSIONS, noise: float = 1.0, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Features float32 (classes × photos, dimensions) that a learned metric can improve, and their classes int32.

    Classes differ along half of the dimensions; along the other half every photo varies more than classes do.
    """
    generator = np.random.default_rng(seed)
    half = dimensions // 2
    centres = np.hstack([generator.standard_normal((classes, half)), np.zeros((classes, dimensions - half))])
    labels = np.repeat(np.arange(classes), photos).astype(np.int32)
    spread = np.r_[np.full(half, 0.5), np.full(dimensions - half, 1.5)] * noise
    features = centres[labels] + generator.standard_normal((len(labels), dimensions)) * spread + 2.0
    return features.astype(np.float32), labels


def fill_plain_space() -> Space:
    """10 categories of 24 photos, in the active plain space; categories differ along half of the dimensions."""
    space = ensure_first_space(encoder=encoder_row())
    features, classes = class_features(10, 24)
    add_photos(space.encoder, features, [f"Things > kind {code}" for code in classes])
    return space


def fill_coloured_space() -> Space:
    """The same 10 categories of 24 photos, each photo in one of 6 colours, in the active space of a new shop."""
    encoder = coloured_encoder()
    space = ensure_first_space(encoder=encoder)
    features, classes = class_features(10, 24)
    rows = with_colours(features, np.arange(len(classes), dtype=np.int32) % 6)
    add_photos(encoder, rows, [f"Things > kind {code}" for code in classes])
    return space


def forgetting_features(
    classes: int = 10, photos: int = 30, *, common: float = 1.0, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Features float32 (classes × photos, 16 + 4 × classes) on which learning strongly forgets, and classes int32.

    Classes differ along eight dimensions. Each varies along four more of its own, which a fit that does not know the
    class takes for dimensions that say much; and all vary by `common` along eight that say nothing.
    """
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), photos).astype(np.int32)
    telling = generator.standard_normal((classes, 8))[labels] + generator.standard_normal((len(labels), 8)) * 0.5
    own = np.zeros((len(labels), classes, 4))
    own[np.arange(len(labels)), labels] = generator.standard_normal((len(labels), 4)) * 1.5
    noise = generator.standard_normal((len(labels), 8)) * common
    features = np.hstack([telling, own.reshape(len(labels), -1), noise])
    return (features + generator.standard_normal(features.shape) * 0.05).astype(np.float32), labels


def widened(features: NDArray[np.float32], dimensions: int) -> NDArray[np.float32]:
    """The same photos as an encoder of more dimensions would see them: float32 (rows, dimensions)."""
    generator = np.random.default_rng(1)
    directions = np.linalg.qr(generator.standard_normal((dimensions, features.shape[1])))[0]
    noise = generator.standard_normal((len(features), dimensions)) * 0.01
    return (features @ directions.T + noise).astype(np.float32)


def add_photos(
    encoder: Encoder,
    features: NDArray[np.float32],
    categories: list[str] | None = None,
    *,
    paths: list[Path] | None = None,
    prefix: str = "P",
    attribute: list[str] | None = None,
    brands: list[str] | None = None,
    groups: list[str] | None = None,
    to_spaces: bool = True,
    published: bool = True,
) -> list[ProductImage]:
    """A product with one photo for each row of features, stored as the pipeline stores them."""
    made = make_categories(dict.fromkeys(categories or []))
    products = Product.objects.bulk_create(
        Product(
            sku=f"{prefix}-{row}",
            title=f"{prefix} {row}",
            category=made[categories[row]] if categories else None,
            attributes={"kind": attribute[row]} if attribute else {},
            brand=brands[row] if brands else "",
            group=groups[row] if groups else "",
            published=published,
        )
        for row in range(len(features))
    )
    files = [_stored(path) for path in paths] if paths else [""] * len(features)
    digests = [
        hashlib.sha256(
            path.read_bytes() if (path := (paths or {row: None})[row]) else f"{prefix} {row}".encode()
        ).hexdigest()
        for row in range(len(features))
    ]
    images = ProductImage.objects.bulk_create(
        ProductImage(product=product, file=file, digest=digest, width=64, height=64)
        for product, file, digest in zip(products, files, digests, strict=True)
    )
    with transaction.atomic():
        embed(encoder, images, features, to_spaces=to_spaces)
    return images


def embed(
    encoder: Encoder, images: list[ProductImage], features: NDArray[np.float32], *, to_spaces: bool = True
) -> None:
    """Features, vectors in every open space, and jobs that are done."""
    prepared = (
        prepare(
            encoder,
            [
                EmbeddedPhoto(image.pk, image.product_id, image.digest, row)
                for image, row in zip(images, features, strict=True)
            ],
        )
        if to_spaces
        else None
    )
    ImageFeatures.objects.bulk_create(
        ImageFeatures(image=image, encoder=encoder, digest=image.digest, features=HalfVector(row))
        for image, row in zip(images, features, strict=True)
    )
    EmbeddingJob.objects.bulk_create(
        EmbeddingJob(image=image, encoder=encoder, state=EmbeddingJob.State.DONE) for image in images
    )
    if prepared is not None:
        store(prepared)


def vectors_of(space: Space) -> dict[int, NDArray[np.float32]]:
    """The vectors of all photos in a space, float32 (dimensions,), by photo."""
    ids = list(ProductImage.objects.values_list("pk", flat=True))
    return dict(stored.vectors_of(space=space, image_ids=ids))


def _stored(path: Path) -> str:
    """Not by the storage's own way, which waits for the disk with each of a thousand photos."""
    name = f"photos/{path.name}"
    target = Path(default_storage.path(name))
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return name


def plain_vector(space: Space, image_id: int) -> NDArray[np.float32]:
    """What a photo's features are in a space, float32 (dimensions,): never what it took in of its neighbours."""
    known, features = features_of(space.encoder_id, [image_id])
    assert len(known), f"photo {image_id} has no features"
    vector: NDArray[np.float32] = project(space, features)[0]
    return vector


def coloured_encoder(name: str = "drawn@2", *, dimensions: int = DIMENSIONS, basis: bool = True) -> Encoder:
    """An encoder of the newest recipe that nobody runs: its rows are given, with the colours after the network's part."""
    encoder = encoder_row(name, dimensions)
    encoder.recipe, encoder.colour_bins = CURRENT, RECIPES[CURRENT].colour_bins
    if basis:
        axes = np.linalg.qr(np.random.default_rng(4).standard_normal((dimensions, dimensions)))[0]
        encoder.basis = axes.astype(np.float32).tobytes()
    encoder.save()
    return encoder


def with_colours(features: NDArray[np.float32], colours: NDArray[np.int32], *, seed: int = 6) -> NDArray[np.float32]:
    """The same photos with the histograms of so many kinds of colour, a number a photo: float32 (rows, row width)."""
    generator = np.random.default_rng(seed)
    bins = RECIPES[CURRENT].colour_bins
    kinds = generator.dirichlet(np.full(bins, 0.05), int(colours.max()) + 1)
    mixed = 0.7 * kinds[colours] + 0.3 * generator.dirichlet(np.full(bins, 0.2), len(colours))
    return np.hstack([features, np.sqrt(mixed)]).astype(np.float32)
