"""Photo files of every format, to be spoilt, and what must hold of whatever comes of it."""

from __future__ import annotations

import functools
import io
import time
from pathlib import Path

import numpy as np
from django.conf import settings
from hypothesis import strategies as st
from PIL import Image

from catalog.photos.reading import PhotoError, decode_photo, inspect_photo
from tests.catalog.photos.files import encoded, grey_tiff, many_scans, strips_tiff, tile_tiff

# What a reader says of a file that it cannot use, in the end: `busy` is left out, for it says nothing of the file.
REASONS = {"not_an_image", "unsupported", "truncated", "bomb", "too_slow"}
SIDE = 48
HEIC = Path(__file__).parent.parent / "catalog" / "photos" / "heic"


@functools.cache
def whole_files() -> tuple[bytes, ...]:
    """One file each of what decoders tell apart: formats, compressions, modes, animations."""
    values = np.random.default_rng(5).integers(0, 256, (SIDE, SIDE, 4), dtype=np.uint8)
    rgba = Image.fromarray(values)
    rgb, grey = rgba.convert("RGB"), rgba.convert("L")
    frames = {"save_all": True, "append_images": [rgb.transpose(Image.Transpose.ROTATE_90), rgb.convert("L")]}
    deep = np.arange(SIDE * SIDE, dtype=np.uint16).reshape(SIDE, SIDE)
    exif = Image.Exif()
    exif[0x0112] = 6
    files = [
        *(encoded(rgb, "JPEG", subsampling=number, exif=exif) for number in (0, 2)),
        *(encoded(image, "JPEG", progressive=True) for image in (rgb, grey, rgb.convert("CMYK"))),
        encoded(rgb, "MPO", **frames),
        many_scans(SIDE, 8),
        *(encoded(image, "PNG") for image in (rgb, rgba, rgba.convert("LA"), grey.convert("1"), Image.fromarray(deep))),
        encoded(rgb.quantize(16), "PNG", transparency=b"\x00\x80\xff"),
        encoded(rgb, "PNG", **frames),
        encoded(rgba, "WEBP"),
        encoded(rgba, "WEBP", lossless=True, exif=exif),
        encoded(rgb, "WEBP", **frames),
        encoded(rgb, "GIF"),
        encoded(rgb, "GIF", **frames),
        *(encoded(image, "BMP") for image in (rgb, grey, rgb.quantize(16), grey.convert("1"))),
        run_length_bmp(),
        *(
            encoded(image, "TIFF", compression=compression)
            for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits")
            for image in (rgba, rgb.quantize(16), grey.convert("I"), grey.convert("F"))
        ),
        *(encoded(grey.convert("1"), "TIFF", compression=name) for name in ("group3", "group4", "tiff_ccitt")),
        *(encoded(image, "TIFF", compression="jpeg") for image in (rgb, grey)),
        encoded(rgb.convert("CMYK"), "TIFF", compression="tiff_lzw"),
        encoded(rgb.convert("YCbCr"), "TIFF"),
        grey_tiff(deep % 4096, bits=12),
        strips_tiff(width=SIDE, height=SIDE, rows=4),
        tile_tiff(side=64, picture=SIDE),
        *(encoded(image, "AVIF") for image in (rgb, rgba, grey)),
        encoded(rgb, "AVIF", **frames),
        *(path.read_bytes() for path in sorted(HEIC.glob("*48.heic"))),
        encoded(rgb, "JPEG")[:-2],
        encoded(rgb, "JPEG", progressive=True)[:-1],
    ]
    return tuple(files)


def run_length_bmp() -> bytes:
    """Eight bits a pixel in runs: Pillow decodes these in Python, byte by byte."""
    head = encoded(Image.new("P", (SIDE, SIDE)), "BMP")
    start = int.from_bytes(head[10:14], "little")
    rows = b"".join(bytes([SIDE // 2, row, 0, 4, 1, 2, 3, 4, 0, 2, 3, 0, 5, row, 0, 0]) for row in range(SIDE))
    return head[:30] + (1).to_bytes(4, "little") + head[34:start] + rows + b"\0\1"


@st.composite
def spoilt_files(draw: st.DrawFn) -> bytes:
    """A whole file with bytes changed, cut out, doubled, or exchanged for a piece of another."""
    files = whole_files()
    data = bytearray(draw(st.sampled_from(files)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(len(data) - 1, 0)) | st.integers(0, min(len(data), 200)))
        size = draw(st.integers(1, 8))
        match draw(st.sampled_from(["bytes", "extremes", "cut", "double", "graft", "end"])):
            case "bytes":
                data[at : at + size] = draw(st.binary(min_size=size, max_size=size))
            case "extremes":
                data[at : at + size] = draw(st.sampled_from([b"\0", b"\xff", b"\x7f", b"\x80"])) * size
            case "cut":
                del data[at : at + size]
            case "double":
                data[at:at] = data[at : at + 16 * size]
            case "graft":
                other = draw(st.sampled_from(files))
                data[at : at + 16 * size] = other[at : at + 16 * size]
            case "end":
                del data[max(at, 2) :]
    return bytes(data)


def check_any_file(data: bytes) -> None:
    """Whatever the file, a reader gives facts, or a picture of a possible size in RGB, or says why not, in time."""
    began = time.monotonic()
    for read in (inspect_photo, functools.partial(decode_photo, at_least=16)):
        try:
            result = read(io.BytesIO(data))
        except PhotoError as error:
            assert error.reason in REASONS or error.reason == "busy", error
            assert str(error).isprintable() and len(str(error)) < 500
        else:
            assert result.width > 0 and result.height > 0
            assert not isinstance(result, Image.Image) or result.mode == "RGB"
    assert time.monotonic() - began < 2 * (2 * settings.PHOTO_SECONDS + 1)
