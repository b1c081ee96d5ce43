"""The photos that `bench photo_search` asks with: no two files alike, so that no answer comes from what an earlier one left."""

from __future__ import annotations

import io
from collections.abc import Sequence

from catalog.demo.drawing import KINDS, draw_product

DRAWN_SIDE = 600
# Seeds from here on draw products that no drawn catalogue holds.
_FIRST_SEED = 100_000
_BOUNDARY = "photo-search-bench"


def drawn_photos(count: int) -> list[bytes]:
    """JPEGs of `count` different products."""
    kinds = list(KINDS)
    photos = []
    for number in range(count):
        buffer = io.BytesIO()
        draw_product(kinds[number % len(kinds)], _FIRST_SEED + number // len(kinds), DRAWN_SIDE).save(
            buffer, "JPEG", quality=90
        )
        photos.append(buffer.getvalue())
    return photos


def distinct(photos: Sequence[bytes], numbers: range) -> list[bytes]:
    """A file for each number: the photos in turn, with a number behind their last byte, which no decoder reads."""
    return [photos[number % len(photos)] + b"%010d" % number for number in numbers]


def upload(photo: bytes) -> bytes:
    """A whole HTTP request that asks what looks like the photo, as a browser's form."""
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="photo.jpg"\r\n'
    body = head.encode() + b"Content-Type: image/jpeg\r\n\r\n" + photo + b"\r\n" + f"--{_BOUNDARY}--\r\n".encode()
    lines = [
        "POST /api/v1/search/image/ HTTP/1.1",
        "Host: localhost",
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY}",
        f"Content-Length: {len(body)}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body
