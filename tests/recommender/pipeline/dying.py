"""A process that embeds and dies of the second photo, once the third is decoded: `python -m tests.recommender.pipeline.dying`."""

from __future__ import annotations

import os
import signal
from typing import Any, BinaryIO
from unittest.mock import patch

import django

from catalog.photos.reading import HashedPixels
from tests.waiting import wait_until


def main() -> None:
    django.setup()
    from recommender.encoder import serving
    from recommender.encoder.preprocess import hashed_pixels
    from recommender.pipeline import embed
    from tests.recommender.pipeline.conftest import ColourEncoder

    decoded: list[HashedPixels] = []

    def counted(file: BinaryIO, **options: Any) -> HashedPixels:
        decoded.append(hashed_pixels(file, **options))
        return decoded[-1]

    encoder = ColourEncoder()

    def die() -> None:
        if encoder.photos == 2:
            wait_until(lambda: len(decoded) == 3, seconds=30, what="the third photo's decoding")
            os.kill(os.getpid(), signal.SIGKILL)

    encoder.on_photo = die
    with serving.injected(encoder), patch.object(embed, "hashed_pixels", counted):
        embed.work(seconds=60)


if __name__ == "__main__":
    main()
