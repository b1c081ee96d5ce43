"""Photos in boxes (HEIF, ISO/IEC 23008-12): AVIF, and the HEIC and HEIF files of phones. Runs in decoder processes.

Of several pictures in a file the primary one is read. Its orientation is what the boxes say (`irot`, `imir`); EXIF and XMP
may say so once more, or something else after an edit, so that both are left unread, whatever they hold.
"""

from __future__ import annotations

import io
import re

from PIL import Image

# Brands of the file type box: those that Pillow's decoder reads, then those that libheif reads.
_AVIF = {b"avif", b"avis"}
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
# Both decoders would start threads, each with frames of its own.
_THREADS = 1
# An entry of the list of items up to its type: `infe`, version and flags, an id of two or four bytes, protection.
_EXIF_ITEM = re.compile(rb"(infe[\x02\x03].{3}(?:..|....)..)Exif", re.DOTALL)


def boxed_format(data: bytes) -> str | None:
    """ "AVIF" or "HEIF" by the brands that a file claims, the major one and the compatible ones; None: it is neither."""
    if data[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(data[:4], "big"), 1024)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))}
    if brands & _AVIF:
        return "AVIF"
    return "HEIF" if brands & _HEIF else None


def open_boxed(data: bytes, format: str) -> Image.Image:
    """Open the primary picture; nothing is decoded yet. Raises what the decoders raise, ImportError included."""
    file = io.BytesIO(_EXIF_ITEM.sub(rb"\1skip", data))
    image = _open_avif(file) if format == "AVIF" else _open_heif(file)
    image.info.pop("xmp", None)
    return image


def _open_avif(file: io.BytesIO) -> Image.Image:
    from PIL import AvifImagePlugin  # by few photos, as the other: each costs a decoder process time and memory

    AvifImagePlugin.DEFAULT_MAX_THREADS = _THREADS
    return AvifImagePlugin.AvifImageFile(file)


def _open_heif(file: io.BytesIO) -> Image.Image:
    from pi_heif import options
    from pi_heif.as_plugin import HeifImageFile

    options.DECODE_THREADS = _THREADS
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    image: Image.Image = HeifImageFile(file)
    return image
