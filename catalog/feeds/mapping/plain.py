"""What is done to the rows of every feed: photos are found and parted, HTML becomes text."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from catalog.feeds.mapping.photos import looks_like_photos, photo_columns, put_photos, split_photos
from catalog.feeds.mapping.shop import Values, key_of
from catalog.feeds.mapping.texts import plain_text
from catalog.feeds.rows import FeedRow

_PHOTOS = frozenset(("image_link", "additional_image_link"))
# An id has to stay what it is, and addresses are no texts.
_AS_WRITTEN = frozenset(("id", "item_group_id", "price", "sale_price"))


@lru_cache(maxsize=512)
def _photo_columns(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(photo_columns(list(names)))


def plain(row: FeedRow) -> FeedRow:
    """The row with its photos under `image_link` and `additional_image_link`, and texts without HTML."""
    values: Values = {}
    photos: list[str] = []
    found = False
    columns = _photo_columns(tuple(row.values))
    taken = set()
    for name in columns:
        texts = row.values[name]
        if key_of(name) in _PHOTOS:
            found = True
        elif not any(texts) or not all(looks_like_photos(text) for text in texts):
            continue
        found = True
        taken.add(name)
        photos.extend(photo for text in texts for photo in split_photos(_unescaped(text)))
    for name, texts in row.values.items():
        if name in taken:
            continue
        key = key_of(name)
        if key == "link":
            values[name] = [_unescaped(text) for text in texts]
        elif key in _AS_WRITTEN or not any("&" in text or "<" in text for text in texts):
            values[name] = texts
        else:
            values[name] = [plain_text(text) for text in texts]
    if found:
        put_photos(values, photos)
    return replace(row, values=values)


def _unescaped(address: str) -> str:
    """An address whose `&` was escaped; entities such as `&copy` may be the names of parameters and stay."""
    return address.replace("&amp;", "&") if "&amp;" in address else address
