"""The photos of a chaos run: drawn, distinct, the same for the same seed; one in twenty cannot be decoded."""

from __future__ import annotations

import hashlib
import io
import random
from enum import StrEnum
from functools import cache

from catalog.demo.drawing import draw_shapes

BROKEN_EVERY = 20
# One photo in so many comes through the web server, the rest through the importer.
UPLOADED_EVERY = 5
# Of those, one in so many by the API, the rest by the admin's form.
BY_API_EVERY = 10
SIDE = 160
MOVED_TO = 7


class Fate(StrEnum):
    """What becomes of a photo after it was stored."""

    DELETED = "deleted"
    REPLACED = "replaced"
    MOVED = "moved"


def fate(number: int) -> Fate | None:
    """Of the importer's decodable photos some 8 % are deleted, 16 % replaced, 8 % moved; always the same ones."""
    if is_broken(number) or number % UPLOADED_EVERY == 0:
        return None
    drawn = random.Random(number).random()
    return next((fate for fate, below in _FATES if drawn < below), None)


def is_by_api(number: int) -> bool:
    """Whether the photo comes by the API."""
    return number % BY_API_EVERY == 0 and not is_broken(number)


def replaced_by(number: int) -> int:
    """The number of the photo that takes the place of photo `number`."""
    return number + 1_000_000


@cache
def digest(number: int) -> str:
    return hashlib.sha256(photo(number)).hexdigest()


_FATES = ((Fate.DELETED, 0.08), (Fate.REPLACED, 0.24), (Fate.MOVED, 0.32))


def is_broken(number: int) -> bool:
    return number % BROKEN_EVERY == BROKEN_EVERY - 1


def photo(number: int) -> bytes:
    """Photo `number` as JPEG; a broken one has its header and half of its pixels."""
    buffer = io.BytesIO()
    draw_shapes(number, SIDE).save(buffer, "JPEG", quality=85, comment=str(number).encode())
    data = buffer.getvalue()
    return data[: len(data) // 2] if is_broken(number) else data
