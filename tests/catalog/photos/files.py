"""Photo files byte by byte: what Pillow does not write, and what nobody writes in good faith."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def tiff(tags: dict[int, int | Sequence[int]], data: bytes, *, order: str = "<") -> bytes:
    """A TIFF of one directory. `data` follows it; its first byte is what a tag of value -1 points to."""
    directory = 8
    after = directory + 2 + 12 * len(tags) + 4
    more = b""
    sizes = {tag: len(value) if isinstance(value, Sequence) else 1 for tag, value in tags.items()}
    start = after + sum(4 * count for count in sizes.values() if count > 1)
    entries = b""
    for tag, value in sorted(tags.items()):
        values = [start if one == -1 else one for one in (value if isinstance(value, Sequence) else [value])]
        packed = struct.pack(f"{order}{len(values)}I", *values)
        entries += struct.pack(f"{order}HHI", tag, 4, len(values))
        entries += packed if len(values) == 1 else struct.pack(f"{order}I", after + len(more))
        more += packed if len(values) > 1 else b""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", directory)
    return head + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + more + data


def grey_tiff(
    values: NDArray[np.generic], *, bits: int, sample_format: int = 1, photometric: int = 1, order: str = "<"
) -> bytes:
    """An uncompressed grey TIFF of one strip; 12 bits are packed two in three bytes."""
    height, width = values.shape
    if bits == 12:
        pairs = values.reshape(-1, 2).astype(np.uint32)
        a, b = pairs[:, 0], pairs[:, 1]
        data = np.stack([a >> 4, ((a & 15) << 4) | (b >> 8), b & 255], axis=-1).astype(np.uint8).tobytes()
    else:
        data = values.astype(values.dtype.newbyteorder(order)).tobytes()
    tags: dict[int, int | Sequence[int]] = {
        **{256: width, 257: height, 258: bits, 259: 1, 262: photometric, 273: -1},
        **{277: 1, 278: height, 279: len(data), 339: sample_format},
    }
    return tiff(tags, data, order=order)


def tile_tiff(*, side: int, picture: int = 100) -> bytes:
    """A small picture in one deflated tile of `side` × `side` zeros: a decoder allocates the tile."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(side)) for _ in range(side)) + packer.flush()
    tags = {256: picture, 257: picture, 258: 8, 259: 8, 262: 1, 277: 1, 322: side, 323: side, 324: -1, 325: len(data)}
    return tiff(tags, data)


def strips_tiff(*, width: int, height: int, rows: int) -> bytes:
    """Strips that all lie at one place."""
    strips, data = -(-height // rows), bytes(width * min(rows, height))
    return tiff(
        {
            **{256: width, 257: height, 258: 8, 259: 1, 262: 1, 277: 1, 278: rows},
            **{273: [-1] * strips, 279: [len(data)] * strips},
        },
        data,
    )


def black_png(width: int, height: int) -> bytes:
    """Black, of any size."""
    data = zlib.compress(bytes((width + 1) * height), 1)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def many_scans(side: int, scans: int, *, progressive: bool = True) -> bytes:
    """A grey JPEG whose first scan is followed by others that change nothing, and are gone over all the same.

    Progressive: each refines the high coefficients and finds none in any block. Sequential: it comes again and again.
    """
    blocks = (-(-side // 8)) ** 2
    out = b"\xff\xd8" + _segment(0xDB, b"\0" + bytes([1] * 64))
    out += _segment(0xC2 if progressive else 0xC0, struct.pack(">BHHB", 8, side, side, 1) + b"\x01\x11\x00")
    out += _segment(0xC4, b"\x00" + bytes([1] + [0] * 15) + b"\x00")  # DC: the code 0 says that nothing changes
    # AC: the code 0 ends 2^14 blocks and more, by 14 bits that follow; the code 10 ends one.
    out += _segment(0xC4, b"\x10" + bytes([1, 1] + [0] * 14) + b"\xe0\x00")
    if not progressive:
        return out + (_segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + _bits("010" * blocks)) * scans + b"\xff\xd9"
    runs, left = divmod(blocks, 32767)
    ended = ("0" + "1" * 14) * runs + (f"0{left - 16384:014b}" if left >= 16384 else "10" * left)
    body = _bits(ended)
    out += _segment(0xDA, b"\x01\x01\x00\x00\x00\x00") + _bits("0" * blocks)
    out += _segment(0xDA, b"\x01\x01\x00\x01\x3f\x0d") + body
    return out + (_segment(0xDA, b"\x01\x01\x00\x01\x3f\x10") + body) * (scans - 2) + b"\xff\xd9"


def one_scan_a_component(image: Image.Image) -> bytes:
    """A sequential JPEG in three scans, of a colour each: its coefficients are held until the last one.

    The progressive file's own first scan is cut off, so only the header is whole: enough to judge it.
    """
    data = encoded(image, "JPEG", quality=50)
    start = data.index(b"\xff\xda")
    return data[:start] + _segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x00\xff\xd9"


def _segment(marker: int, data: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def _bits(bits: str) -> bytes:
    bits += "1" * (-len(bits) % 8)
    return int("1" + bits, 2).to_bytes(len(bits) // 8 + 1, "big")[1:].replace(b"\xff", b"\xff\x00")
