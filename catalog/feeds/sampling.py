"""Reads the first rows of a feed, so that a person can say which column is which. A worker does it; `samples` is what pages need."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from PIL import Image

from catalog.errands.registry import ErrandFailed, Progress
from catalog.feeds.columns import is_url
from catalog.feeds.mapping.photos import looks_like_photos
from catalog.feeds.photo_files import PhotoReferenceError, read_photo_file
from catalog.feeds.rows import FeedError, FeedRow, Number
from catalog.feeds.runs import opened_feed
from catalog.feeds.samples import SHOWN, shop_of
from catalog.models import Errand, Feed
from catalog.photos.reading import PhotoError, decode_photo
from catalog.texts import printable

ROWS = 60  # kept; several may be one product
_CELL = 2_000  # characters of a value that are kept
_THUMBNAIL = 160


def sample_feed(errand: Errand, progress: Progress) -> dict[str, Any]:
    """Does the errand: the first rows as the feed writes them, and small pictures of those photos that lie in its archive.

    Raises ErrandFailed.
    """
    feed = Feed.objects.filter(pk=int(errand.about)).first()
    if feed is None:
        raise ErrandFailed("the feed was deleted meanwhile")
    progress("fetching the feed" if feed.url else "opening the file", 0, 0)
    try:
        with opened_feed(feed, None) as opened:
            rows = list(islice((row for row in opened.rows if isinstance(row, FeedRow)), ROWS))
            progress("looking at its photos", 0, 0)
            pictures = _pictures(rows, opened.root)
    except FeedError as error:
        raise ErrandFailed(str(error)) from error
    return {"rows": [_written(row) for row in rows], "shop": shop_of(rows), "pictures": pictures}


def _pictures(rows: Sequence[FeedRow], root: Path) -> dict[str, str]:
    """Small JPEGs as data: URLs, by how the feed names the photo."""
    found: dict[str, str] = {}
    named = (text.strip() for row in rows for texts in row.values.values() for text in texts)
    for reference in dict.fromkeys(text for text in named if text and looks_like_photos(text) and not is_url(text)):
        if len(found) >= 3 * SHOWN:
            break
        try:
            image = decode_photo(io.BytesIO(read_photo_file(root, reference)), at_least=_THUMBNAIL)
        except (PhotoReferenceError, PhotoError):
            continue
        found[reference] = _data_url(image)
    return found


def _data_url(image: Image.Image) -> str:
    image.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=75)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _written(row: FeedRow) -> dict[str, Any]:
    values = [[printable(name), [_kept(text) for text in texts]] for name, texts in row.values.items()]
    return {"line": row.line, "values": values, "complete": row.complete, "where": printable(row.where)}


def _kept(text: str) -> str | dict[str, str]:
    """A number that the feed writes as one stays one."""
    kept = printable(text)[:_CELL]
    return {"number": kept} if isinstance(text, Number) else kept
