"""Opens a photo: which format it is of, whether its header may be decoded, and the errors of photos that are damaged or too large.

Runs in decoder processes (`catalog.photos.decoder_process`). Free of Django and of settings.
"""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image, ImageFile, UnidentifiedImageError
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from catalog.photos.bounds import WEBP_TIMES_MEMORY, check_header
from catalog.photos.errors import PhotoError
from catalog.photos.exchange import Bounds
from catalog.photos.heif import boxed_format, open_boxed
from catalog.photos.jpeg import jpeg_scans
from catalog.photos.unusable import raw_tiff, unusable
from catalog.photos.webp import LargeWebP, canvas_size

# The first bytes of a file → the format that Pillow opens it as.
_SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
}
# These plugins alone are imported at once: with all of Pillow's, a decoder process takes twice as long to start.
_PLUGINS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
    "TIFF": TiffImageFile,
}
# How Pillow's errors begin where a header is intact but of a variant that the plugin does not support.
_NOT_READ = (
    "cannot handle",
    "unknown pixel mode",
    "unknown data organization",
    "Unsupported BMP",
    "Unsupported feature",
)
# What Pillow's decoders have been seen to raise on damaged files.
DAMAGED = (
    *(OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, AttributeError, ArithmeticError),
    *(AssertionError, NotImplementedError, RuntimeError, struct.error, zlib.error),
)


def open_photo(data: bytes, bounds: Bounds) -> Image.Image:
    """Identify the format and judge the header; nothing is decoded yet. Raises PhotoError."""
    if not data:
        raise PhotoError("not_an_image", "the file is empty")
    scans = jpeg_scans(data) if data.startswith(b"\xff\xd8\xff") else None
    try:
        image = _opened(data, bounds)
        if isinstance(image, TiffImageFile) and (refusal := raw_tiff(data, image.tag_v2)):
            raise PhotoError("unsupported", refusal)
        check_header(image, bounds, scans)
    except UnidentifiedImageError as error:
        raise _unread(data) from error
    except Image.DecompressionBombError as error:
        raise too_many_pixels() from error
    except DAMAGED as error:
        raise damaged("the picture's header is damaged", error) from error
    return image


def _opened(data: bytes, bounds: Bounds) -> Image.Image:
    if boxed := boxed_format(data):
        return open_boxed(data, boxed)
    webp = canvas_size(data)
    if webp is not None and webp[0] * webp[1] > bounds.whole_pixels // WEBP_TIMES_MEMORY:
        return LargeWebP(data)
    return Image.open(io.BytesIO(data), formats=tuple(_PLUGINS))


def _unread(data: bytes) -> PhotoError:
    """Why no plugin opened the file. Pillow drops the error of the format's own plugin, so that one is asked again."""
    format = next((name for start, name in _SIGNATURES.items() if data.startswith(start)), None)
    if data.startswith(b"RIFF") and data[8:12] in (b"WEBP", b""):
        format = "WEBP"
    if format is None:
        return PhotoError("not_an_image", unusable(data))
    said = ""
    try:
        _PLUGINS[format](io.BytesIO(data))
    except DAMAGED as error:
        said = str(error)
    if said.startswith(_NOT_READ):
        return PhotoError("unsupported", f"the file is a {format} of a kind that is not read ({said}); save it as PNG")
    return PhotoError("truncated", "the picture is damaged or cut short in its header; save it again")


def damaged(what: str, error: Exception) -> PhotoError:
    """The error for a photo that raised one of DAMAGED. `what`: what is wrong then, unless the error itself says it."""
    said = str(error)
    if "out of memory" in said.lower() or said.startswith("Memory allocation error"):
        return out_of_memory()
    if said.startswith(_NOT_READ):
        return PhotoError("unsupported", f"the picture is of a kind that is not read ({said}); save it as JPEG or PNG")
    return PhotoError("truncated", f"{what} ({error}); save it again")


def too_many_pixels() -> PhotoError:
    """The error for a picture that Pillow takes for a decompression bomb."""
    return PhotoError("bomb", "the picture claims too many pixels to be decoded; send a smaller one")


def out_of_memory() -> PhotoError:
    """The error for a picture whose decoding ran into the memory limit of its process."""
    return PhotoError(
        "bomb", "the picture takes too much memory to be decoded; save it as a plain JPEG or a smaller PNG"
    )
