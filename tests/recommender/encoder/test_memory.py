"""A worker's process stays small whatever photo it meets, and so do its decoders."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from PIL import Image

from catalog.photos.reading import PhotoError, inspect_photo
from config.local.folder import PROJECT
from recommender.encoder.store import CompiledEncoder
from tests.catalog.photos.icc import swapped_profile

MOST_MEGABYTES = 250

WORK = """
import resource, sys, django
django.setup()
import config.celery, recommender.tasks, recommender.pipeline.embed
from recommender.encoder.preprocess import photo_to_pixels
from recommender.encoder.runtimes import LiteRTEncoder
side, dimensions = int(sys.argv[2]), int(sys.argv[3])
encoder = LiteRTEncoder(open(sys.argv[1], "rb").read(), side, dimensions, "gaussian", recipe=1)
for name in sys.argv[4:]:
    with open(name, "rb") as photo:
        for recipe in (1, 2):
            photo.seek(0)
            assert encoder.features(photo_to_pixels(photo, side=side, recipe=recipe)).shape == (dimensions,)
    print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
from catalog.photos.decoder_pool import decoder_pool
decoder_pool().close()
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def flat(mode: str, colour: object) -> Callable[[int], Image.Image]:
    return lambda side: Image.new(mode, (side, side), colour)  # type: ignore[arg-type]


def deep(side: int) -> Image.Image:
    return Image.fromarray(np.full((side, side), 40_000, np.uint16))


ONE_STRIP = {"compression": "tiff_adobe_deflate", "strip_size": 2**30}
LARGEST = {
    "rgba-png": (5000, flat("RGBA", (200, 30, 10, 128)), "PNG", {"compress_level": 1}),
    "profile-png": (
        5000,
        flat("RGBA", (200, 30, 10, 128)),
        "PNG",
        {"compress_level": 1, "icc_profile": swapped_profile()},
    ),
    "16-bit-png": (5000, deep, "PNG", {"compress_level": 1}),
    "palette-gif": (5000, flat("P", 7), "GIF", {}),
    "rgba-webp": (5000, flat("RGBA", (200, 30, 10, 128)), "WEBP", {"method": 0}),
    "one-strip-tiff": (3535, flat("RGBA", (200, 30, 10, 128)), "TIFF", ONE_STRIP),
    "float-tiff": (3535, flat("F", 0.5), "TIFF", ONE_STRIP),
    "jpeg": (7071, flat("RGB", (200, 30, 10)), "JPEG", {}),
    "progressive-jpeg": (5000, flat("RGB", (200, 30, 10)), "JPEG", {"progressive": True}),
    "progressive-full-colour-jpeg": (
        3535,
        flat("RGB", (200, 30, 10)),
        "JPEG",
        {"progressive": True, "subsampling": 0},
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory of a process from /proc")
def test_the_largest_allowed_photos_leave_a_worker_below_its_bound(
    lite2_int8_file: CompiledEncoder, tmp_path: Path
) -> None:
    for name, (side, made, format, options) in LARGEST.items():
        made(side).save(tmp_path / name, format, **options)
    compiled, spec = tmp_path / "encoder.tflite", lite2_int8_file.spec
    compiled.write_bytes(lite2_int8_file.compiled)
    photos = [str(tmp_path / name) for name in LARGEST]
    command = [sys.executable, "-c", WORK, str(compiled), str(spec.side), str(spec.dimensions), *photos]
    patient = os.environ | {"PHOTO_SECONDS": "60"}  # on a busy machine a decoder may get little of the processor
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, env=patient)
    assert done.returncode == 0, done.stderr
    peaks = dict(zip([*LARGEST, "decoders"], (int(line) / 1024 for line in done.stdout.split()), strict=True))
    assert max(peaks.values()) <= MOST_MEGABYTES, peaks


@pytest.mark.parametrize("name", LARGEST)
def test_a_photo_larger_than_that_is_refused_by_its_header(name: str) -> None:
    side, made, format, options = LARGEST[name]
    file = io.BytesIO()
    made(64).save(file, format, **options)
    scale = (64 / (side + 2)) ** 2
    limits = {key: round(getattr(settings, key) * scale) for key in ("MAX_PHOTO_PIXELS", "MAX_WHOLE_PHOTO_PIXELS")}
    with pytest.MonkeyPatch.context() as patch:
        for key, value in limits.items():
            patch.setattr(settings, key, value)
        with pytest.raises(
            PhotoError, match=r"64 × 64 pixels, more than 4,0\d\d are not decoded of this kind"
        ) as error:
            inspect_photo(io.BytesIO(file.getvalue()))
    assert error.value.reason == "bomb"
