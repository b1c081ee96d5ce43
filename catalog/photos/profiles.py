"""Colour profiles (ICC): what their numbers look like in sRGB, the one colour space that networks, pages and histograms assume.

A profile that is damaged, too large or of another kind than the picture is ignored, as browsers do: the photo is still read.
LittleCMS computes with floating-point tables before it rounds to 8 bits, so that a picture with a profile other than sRGB may
differ by one level between machines whose C libraries round differently. Pictures without one are the same everywhere.
"""

from __future__ import annotations

import io
import itertools
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from catalog.photos.rgb import ToSrgb

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform

# Profiles of printing presses have up to 3 MB.
MOST_BYTES = 4 * 1024**2
# The colour space in a profile's header (ICC.1:2022, 7.2.6) → the mode that Pillow transforms, and the modes that are
# converted to it. Modes of more than 8 bits are "L" by the time they are transformed.
_SPACES = {
    b"RGB ": ("RGB", {"RGB", "RGBA", "RGBa", "RGBX", "P", "PA"}),
    b"GRAY": ("L", {"1", "L", "LA", "La", "I", "F"}),
    b"CMYK": ("CMYK", {"CMYK"}),
}
_SPACE = slice(16, 20)
# A profile that moves no colour by more levels than this is sRGB under another name, which most profiles are. It is not
# applied, because that takes longer than decoding the photo.
_SAME_WITHIN = 2
_KEPT = 4


def srgb(image: Image.Image) -> ToSrgb | None:
    """What turns strips of this picture into sRGB: RGB, or RGBA where they have transparency. None: they are sRGB already."""
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or len(profile) > MOST_BYTES:
        return None
    mode, modes = _SPACES.get(profile[_SPACE], ("", set()))
    if image.mode.partition(";")[0] not in modes:
        return None
    transform = _transform(profile, mode)
    return None if transform is None else partial(_applied, transform, mode)


@lru_cache(_KEPT)
def _transform(profile: bytes, mode: str) -> ImageCmsTransform | None:
    from PIL import ImageCms  # by few photos: it costs every decoder process time and memory

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        if mode == "RGB" and _is_srgb(transform):
            return None
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return transform


def _is_srgb(transform: ImageCmsTransform) -> bool:
    steps = np.array(list(itertools.product(range(0, 256, 51), repeat=3)), np.uint8)
    colours = Image.fromarray(steps[None])
    moved = np.asarray(transform.apply(colours)).astype(np.int16) - np.asarray(colours)
    return bool(np.abs(moved).max() <= _SAME_WITHIN)


def _applied(transform: ImageCmsTransform, mode: str, strip: Image.Image) -> Image.Image:
    alpha = None
    if strip.has_transparency_data:
        strip = strip.convert("LA" if mode == "L" else "RGBA")
        alpha = strip.getchannel("A")
    colours = strip.getchannel("L") if strip.mode == "LA" else strip.convert(mode)
    seen = transform.apply(colours)
    if alpha is not None:
        seen.putalpha(alpha)
    return seen
