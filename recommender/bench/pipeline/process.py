"""One process of the bench: `python -m recommender.bench.pipeline.process FOLDER`, told what to do by lines of JSON.

Each command is answered by a line with the photos it handled and when it began and ended (CLOCK_MONOTONIC, seconds,
the same clock for all processes). A process handles each `of`-th photo from its `share` on.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recommender.bench.memory import most_megabytes

# Few whole pictures: they are in the memory that is measured.
ENCODED_AHEAD, PICTURES_AHEAD = 32, 8


class Bench:
    """Commands are methods of one size of photos: "small" or "large"."""

    def __init__(self) -> None:
        from recommender.encoder.serving import encoder_for
        from recommender.pipeline.gallery import encoders_in_use

        self._naive: Callable[[Sequence[tuple[int, int, str]]], int] | None = None
        self._row = encoders_in_use()[0]
        self._encoder = encoder_for(self._row)
        self._encoder.features(np.zeros((self._encoder.side, self._encoder.side, 3), np.uint8))

    def decode(self, size: str, share: int, of: int) -> int:
        """A photo's file → the square of its centre, without looking for what stands in it."""
        names = self._names(size)[share::of]
        for name in names:
            self._pixels(name, recipe=1)
        return len(names)

    def forward(self, size: str, share: int, of: int) -> Callable[[], int]:
        """The network and the pooling of its maps, without the colours."""
        from recommender.encoder.pooling import pool

        names = self._names(size)[share::of]
        pixels = [self._pixels(name) for name in names[:ENCODED_AHEAD]]

        def run() -> int:
            for number in range(len(names)):
                pool(self._encoder.maps(pixels[number % len(pixels)]), self._encoder.pooling)
            return len(names)

        return run

    def colour(self, size: str, share: int, of: int) -> Callable[[], int]:
        """Framing and colours: what stands in a decoded picture is looked for, and the colours of its pixels are counted."""
        from catalog.photos.framing import framed
        from recommender.encoder.colour import colour_histogram

        names = self._names(size)[share::of]
        pictures = [self._picture(name) for name in names[:PICTURES_AHEAD]]
        pixels = [self._pixels(name) for name in names[:PICTURES_AHEAD]]

        def run() -> int:
            for number in range(len(names)):
                picture = pictures[number % len(pictures)]
                framed(picture, (0, 0, picture.width, picture.height))
                colour_histogram(pixels[number % len(pixels)])
            return len(names)

        return run

    def insert(self, size: str, share: int, of: int) -> Callable[[], int]:
        """Features and vectors alone, a transaction a lease: no claim, no states."""
        from django.conf import settings
        from django.db import connection, transaction

        from recommender.halfvec import HalfVector, cursor
        from recommender.pipeline import gallery

        images = self._images(size)[share::of]
        random = np.random.default_rng(share)
        features = np.abs(random.normal(size=(len(images), self._row.row_width))).astype(np.float32)
        items = [
            gallery.EmbeddedPhoto(image, product, digest, row)
            for (image, product, digest), row in zip(images, features, strict=True)
        ]
        insert = (
            "INSERT INTO recommender_imagefeatures (image_id, encoder_id, digest, features) VALUES (%s, %s, %s, %s)"
        )

        def run() -> int:
            with connection.cursor() as plain:
                plain.execute("SET synchronous_commit = off")  # as the pipeline does
            for start in range(0, len(items), settings.LEASE_SIZE):
                lease = items[start : start + settings.LEASE_SIZE]
                prepared = gallery.prepare(self._row, lease)
                with transaction.atomic():
                    rows = [(item.image_id, self._row.pk, item.digest, HalfVector(item.features)) for item in lease]
                    cursor().executemany(insert, rows)
                    gallery.store(prepared)
            return len(items)

        return run

    def embed(self, size: str, share: int, of: int) -> int:
        """The pipeline itself: claims until the queue is empty."""
        from recommender.pipeline.embed import work

        return work(seconds=3600).done

    def naive(self, size: str, share: int, of: int) -> Callable[[], int]:
        from recommender.bench.pipeline.naive import naive_worker

        self._naive = self._naive or naive_worker(self._row)
        images, worker = self._images(size)[share::of], self._naive
        return lambda: worker(images)

    def reset(self, size: str, share: int, of: int) -> int:
        """Empty the results and the queue; with `share` 1, queue the photos of this size."""
        from django.db import connection

        from recommender.models import EmbeddingJob
        from recommender.pipeline import jobs

        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE recommender_imagefeatures, recommender_imagevector, recommender_embeddingjob")
            if share:
                images = [image for image, _, _ in self._images(size)]
                jobs.enqueue(images, priority=EmbeddingJob.Priority.IMPORT)
            cursor.execute("ANALYZE catalog_productimage, recommender_embeddingjob")
        return 0

    def _pixels(self, name: str, *, recipe: int | None = None) -> NDArray[np.uint8]:
        """By the encoder's own recipe where none is given."""
        from recommender.encoder.preprocess import photo_to_pixels

        return photo_to_pixels(self._file(name), side=self._encoder.side, recipe=recipe or self._encoder.recipe)

    def _picture(self, name: str) -> Image.Image:
        from catalog.photos.reading import decode_photo

        return decode_photo(self._file(name), at_least=self._encoder.side)

    def _file(self, name: str) -> io.BytesIO:
        from django.core.files.storage import default_storage

        with default_storage.open(name) as file:
            return io.BytesIO(file.read())

    def _names(self, size: str) -> list[str]:
        from catalog.models import ProductImage

        return list(ProductImage.objects.filter(product__sku=size).order_by("id").values_list("file", flat=True))

    def _images(self, size: str) -> list[tuple[int, int, str]]:
        from catalog.models import ProductImage

        rows = ProductImage.objects.filter(product__sku=size).order_by("id")
        return list(rows.values_list("id", "product_id", "digest"))


def open_shop(folder: Path) -> None:
    """Tables, the encoder with its first space, and the photos that lie in `small` and `large` of the folder."""
    from catalog.models import Product, ProductImage
    from catalog.photos import store as photos
    from recommender.bench.temporary import open_tables

    open_tables(folder)
    for size in ("small", "large"):
        product = Product.objects.create(sku=size, title=size)
        rows = []
        for path in sorted((folder / size).iterdir()):
            image = ProductImage(product=product)
            photos.name_file(image, photos.keep(path.read_bytes()))
            rows.append(image)
        ProductImage.objects.bulk_create(rows)


def main() -> None:
    import django

    django.setup()
    folder = Path(sys.argv[1])
    if sys.argv[2:] == ["open"]:
        open_shop(folder)
        return
    bench = Bench()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        command: dict[str, Any] = json.loads(line)
        prepared = getattr(bench, command.pop("do"))
        prepares = prepared.__name__ in ("forward", "colour", "insert", "naive")
        run = prepared(**command) if prepares else lambda prepared=prepared, command=command: prepared(**command)
        print(json.dumps({"prepared": True}), flush=True)
        sys.stdin.readline()
        began = time.monotonic()
        photos = run()
        print(
            json.dumps({"photos": photos, "began": began, "ended": time.monotonic(), "megabytes": most_megabytes()}),
            flush=True,
        )


if __name__ == "__main__":
    main()
