"""The least that a space must beat: a colour histogram. 8 × 8 × 8 bins of HSV, compared by their square roots."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from django.core.files.storage import default_storage
from numpy.typing import NDArray

from catalog.models import ProductImage
from catalog.photos.reading import PhotoError, decode_photo
from recommender.progress import Progress, silent

BINS = 8
_SIDE = 64
_THREADS = 2
_BATCH = 256


def colour_histograms(image_ids: NDArray[np.int64], *, progress: Progress = silent) -> NDArray[np.float32]:
    """Unit rows float32 (rows, 512), the square roots of each photo's histogram (their product is the Bhattacharyya
    coefficient); zeros where the photo cannot be read any more."""
    names = dict(ProductImage.objects.filter(pk__in=image_ids.tolist()).values_list("pk", "file"))
    result = np.zeros((len(image_ids), BINS**3), np.float32)
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(image_ids), _BATCH):
            batch = [names.get(int(image_id), "") for image_id in image_ids[start : start + _BATCH]]
            result[start : start + _BATCH] = list(pool.map(_histogram, batch))
            progress("colour histograms", start + len(batch), len(image_ids))
    return result


def _histogram(name: str) -> NDArray[np.float32]:
    try:
        with default_storage.open(name) as file:
            picture = decode_photo(io.BytesIO(file.read()), at_least=_SIDE)
    except (OSError, ValueError, PhotoError):
        return np.zeros(BINS**3, np.float32)
    pixels = np.asarray(picture.resize((_SIDE, _SIDE)).convert("HSV")).reshape(-1, 3).astype(np.int64) * BINS >> 8
    counts = np.bincount(pixels @ np.array([BINS**2, BINS, 1]), minlength=BINS**3)
    root: NDArray[np.float32] = np.sqrt(counts / len(pixels)).astype(np.float32)
    return root
