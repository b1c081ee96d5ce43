"""What a process that needs photos and its decoder processes tell each other (`catalog.photos.decoder_child`).

Free of Django and of Pillow's plugins, which take megabytes: only decoder processes import those.
"""

from __future__ import annotations

from dataclasses import dataclass

# Pillow's name of a format → the extension its files are stored with. MPO: a JPEG of several pictures, from some phones.
EXTENSIONS = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "GIF": "gif",
    "BMP": "bmp",
    "TIFF": "tif",
    "AVIF": "avif",
    "HEIF": "heif",
}
# Pixels that are converted, written and read at a time.
STRIP_PIXELS = 1_000_000


@dataclass(frozen=True)
class Bounds:
    """The most pixels that are decoded.

    `pixels`: of a JPEG that can be decoded at a reduced size. `whole_pixels`: of any other photo; a fraction of it for
    formats whose decoders need more memory than the pixels.
    """

    pixels: int
    whole_pixels: int


@dataclass(frozen=True)
class PhotoFacts:
    """What the header says: width and height in pixels once upright, and the file extension of the format."""

    width: int
    height: int
    extension: str
