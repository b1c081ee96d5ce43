"""WebP pictures too large for Pillow, which holds three canvases of one: decoded by libwebp itself, straight into one.

The library is the one that Pillow's own module is linked with. Of an animation the first frame is read, laid onto its canvas.
Runs in decoder processes. The container is that of RFC 9649.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image, _webp

# Flags of the header, and of a lossless picture's bits.
_ANIMATED, _ALPHA, _LOSSLESS_ALPHA = 0x02, 0x10, 1 << 28
# Chunks beside the picture, and Pillow's names for them.
_INFO = {b"ICCP": "icc_profile", b"EXIF": "exif"}


@dataclass(frozen=True)
class _Frame:
    """A still picture as a file of its own, and where it lies on the canvas."""

    file: bytes
    at: tuple[int, int]
    size: tuple[int, int]
    has_alpha: bool


def canvas_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels by the header; None where it is damaged, and for any other file."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    name, body = next(_chunks(data, 12), (b"", b""))
    if name == b"VP8X" and len(body) >= 10:
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    return _still_size(name, body)


class LargeWebP(Image.Image):
    """A WebP that is decoded when it is loaded: RGBA, or RGBX without transparency. `info` has its colour profile and EXIF."""

    format = "WEBP"

    def __init__(self, data: bytes) -> None:
        """Raises ValueError where the file is damaged."""
        super().__init__()
        size = canvas_size(data)
        if size is None:
            raise ValueError("no WebP header")
        self._size = size
        self._frame: _Frame | None = _first_frame(data, size)
        self._mode = "RGBA" if self._frame.has_alpha or self._frame.size != size else "RGBX"
        for name, body in _chunks(data, 12):
            if name in _INFO:
                self.info[_INFO[name]] = body

    def load(self) -> Any:
        """Raises ValueError where the picture is damaged, and MemoryError."""
        if self._frame is not None:
            frame, self._frame = self._frame, None
            picture = _decoded(frame, self._mode)
            if frame.size != self._size:
                canvas = Image.new("RGBA", self._size)
                canvas.paste(picture, frame.at)
                picture = canvas
            self.im = picture.im
        return super().load()


def _first_frame(data: bytes, size: tuple[int, int]) -> _Frame:
    name, body = next(_chunks(data, 12))
    if name != b"VP8X":
        has_alpha = name == b"VP8L" and bool(int.from_bytes(body[1:5], "little") & _LOSSLESS_ALPHA)
        return _Frame(data, (0, 0), size, has_alpha)
    has_alpha = bool(body[0] & _ALPHA)
    if not body[0] & _ANIMATED:
        return _Frame(data, (0, 0), size, has_alpha)
    frame = next((chunk for kind, chunk in _chunks(data, 12) if kind == b"ANMF"), b"")
    if len(frame) < 16:
        raise ValueError("an animation without frames")
    left, top, width, height = (int.from_bytes(frame[at : at + 3], "little") for at in (0, 3, 6, 9))
    if 2 * left + width + 1 > size[0] or 2 * top + height + 1 > size[1]:
        raise ValueError("a frame lies outside of its canvas")
    return _Frame(_still(frame[16:]), (2 * left, 2 * top), (width + 1, height + 1), has_alpha)


def _still(chunks: bytes) -> bytes:
    """The chunks of a frame as a file."""
    sizes = (_still_size(name, body) for name, body in _chunks(chunks, 0))
    size = next(filter(None, sizes), None)
    if size is None:
        raise ValueError("a frame without a picture")
    flags = _ALPHA if chunks[:4] == b"ALPH" else 0
    header = bytes([flags, 0, 0, 0]) + b"".join((side - 1).to_bytes(3, "little") for side in size)
    body = b"WEBPVP8X" + len(header).to_bytes(4, "little") + header + chunks
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _chunks(data: bytes, at: int) -> Iterator[tuple[bytes, bytes]]:
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _still_size(name: bytes, body: bytes) -> tuple[int, int] | None:
    if name == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    if name == b"VP8L" and body[:1] == b"\x2f" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None


def _decoded(frame: _Frame, mode: str) -> Image.Image:
    size = 4 * frame.size[0] * frame.size[1]
    _give_back()
    pixels = bytearray(size)
    buffer = (ctypes.c_ubyte * size).from_buffer(pixels)
    if not _library().WebPDecodeRGBAInto(frame.file, len(frame.file), buffer, size, 4 * frame.size[0]):
        raise ValueError("libwebp cannot decode it")
    return Image.frombuffer(mode, frame.size, pixels, "raw", mode, 0, 1)


def _give_back() -> None:
    """Return to the system what the allocator keeps of earlier photos: the canvas is one piece, which does not fit into
    that and would come on top of it. Does nothing where the C library is not glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@functools.cache
def _library() -> ctypes.CDLL:
    """Raises MemoryError where the library cannot be called: what is left then takes too much memory."""
    try:
        library = ctypes.CDLL(_webp.__file__)
        decode = library.WebPDecodeRGBAInto
    except (OSError, AttributeError) as error:
        raise MemoryError(str(error)) from error
    decode.restype = ctypes.c_void_p
    decode.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return library
