"""Small pictures: a photo at 16 × 16 pixels in colour, which tells copies of different size from pictures that are merely alike.

What an encoder sees in a thin drawing depends on the size of the file: copies of one placeholder at 300 and 600 pixels have
cosines of .85 to .97, as different products have. At 16 × 16 pixels nothing is left of what scaling changes. They are made of
files that are asked about, and kept beside their hashes.

Measured on pairs within the bound of the hashes. Copies of seven drawn placeholders, four of them faint, at 200 to 900 pixels,
scaled in three ways, JPEG-60 to PNG: the pixel that differs most does so by 2.5 to 7.5 grey levels, .07 to .15 of the picture's
contrast. 96,543 pairs of 5,192 photos (4,000 packshots, 1,192 of clothing): 10 are equal, one differs by 5.75 (a lipstick
in two shades), all others by 12 and more.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from django.core.files.storage import default_storage
from numpy.typing import NDArray
from PIL import Image

from catalog.models import ProductImage
from catalog.photos.reading import decode_photo
from recommender.models import PhotoHash

SIDE = 16
_AT_LEAST = 256  # pixels that a photo is decoded at
_MOST_LEVELS, _MOST_OF_CONTRAST = 8.0, 1 / 6

Small = NDArray[np.uint8]


def small_pictures(digests: Sequence[str], *, most: int) -> Mapping[str, Small]:
    """Files as uint8 (16, 16, 3), by digest: those of the given that have hashes and can be read.

    What is kept is read from the table; of the others the photo files of the first `most` are read, and kept then. Call it
    outside a transaction.
    """
    kept = dict(PhotoHash.objects.filter(digest__in=set(digests)).values_list("digest", "small"))
    found = {digest: _from_bytes(small) for digest, small in kept.items() if small is not None}
    unknown = [digest for digest in digests if digest in kept and kept[digest] is None][:most]
    files = ProductImage.objects.filter(digest__in=unknown).order_by("digest", "pk").distinct("digest")
    for digest, name in files.values_list("digest", "file"):
        try:
            found[digest] = _of_file(name)
        except Exception:  # storages elsewhere raise errors of their own kinds; the file is tried again next time
            continue
        PhotoHash.objects.filter(digest=digest).update(small=found[digest].tobytes())
    return found


def small_picture(image: Image.Image) -> Small:
    """RGB picture, or RGBA, which is laid on white → uint8 (16, 16, 3)."""
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX))


def same_but_for_size(one: Small, other: Small) -> bool:
    """Whether no pixel differs by more than scaling and encoding explain, in a picture of this contrast."""
    a, b = one.astype(np.float32), other.astype(np.float32)
    contrast = min(float(np.ptp(picture, axis=(0, 1)).max()) for picture in (a, b))
    return float(np.abs(a - b).max()) <= min(_MOST_LEVELS, contrast * _MOST_OF_CONTRAST)


def _of_file(name: str) -> Small:
    with default_storage.open(name) as file:
        return small_picture(decode_photo(io.BytesIO(file.read()), at_least=_AT_LEAST))


def _from_bytes(small: bytes | memoryview) -> Small:
    return np.frombuffer(small, np.uint8).reshape(SIDE, SIDE, 3)
