"""The photos of a chaos run: drawn, distinct, the same for the same seed; one in twenty cannot be decoded."""

from __future__ import annotations

import io

from catalog.drawing import draw_shapes

BROKEN_EVERY = 20
SIDE = 160


def is_broken(number: int) -> bool:
    return number % BROKEN_EVERY == BROKEN_EVERY - 1


def photo(number: int) -> bytes:
    """Photo `number` as JPEG; a broken one has its header and half of its pixels."""
    buffer = io.BytesIO()
    draw_shapes(number, SIDE).save(buffer, "JPEG", quality=85, comment=str(number).encode())
    data = buffer.getvalue()
    return data[: len(data) // 2] if is_broken(number) else data
