"""A process that embeds and dies of the second photo, once the third is decoded: `python -m tests.recommender.pipeline.dying`."""

from __future__ import annotations

import os
import signal
from typing import Any, BinaryIO
from unittest.mock import patch

import django
import numpy as np
from numpy.typing import NDArray

from tests.waiting import wait_until


def main() -> None:
    django.setup()
    from recommender.encoder import serving
    from recommender.encoder.preprocess import photo_to_pixels
    from recommender.pipeline import embed
    from tests.recommender.pipeline.conftest import ColourEncoder

    decoded: list[NDArray[np.uint8]] = []

    def counted(file: BinaryIO, **options: Any) -> NDArray[np.uint8]:
        decoded.append(photo_to_pixels(file, **options))
        return decoded[-1]

    encoder = ColourEncoder()

    def die() -> None:
        if encoder.photos == 2:
            wait_until(lambda: len(decoded) == 3, seconds=30, what="the third photo's decoding")
            os.kill(os.getpid(), signal.SIGKILL)

    encoder.on_photo = die
    with serving.injected(encoder), patch.object(embed, "photo_to_pixels", counted):
        embed.work(seconds=60)


if __name__ == "__main__":
    main()
