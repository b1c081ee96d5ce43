"""A folder as a feed: of the one feed in it, or else of its photos, one folder a category, one photo a product."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from catalog.feeds.rows import BadRow, FeedError, FeedRow

SUFFIXES = {
    *(".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    *(".avif", ".heic", ".heif", ".hif"),
}

FEED_SUFFIXES = {".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".xml", ".rss", ".atom", ".yml", ".xlsx", ".gz", ".zip"}


def feed_in(folder: Path) -> Path | None:
    """The one feed in a folder, or None where its photos are the feed. Raises FeedError where it is not clear which."""
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise FeedError(f"{folder} cannot be read: {error.strerror}") from error
    feeds = [path for path in files if path.suffix.lower() in FEED_SUFFIXES]
    if not feeds and next(read_folders(folder), None) is None:
        feeds = files
    if len(feeds) > 1:
        names = ", ".join(path.name for path in feeds[:10])
        raise FeedError(f"several files that may be the feed ({names}); name the one to read")
    return feeds[0] if feeds else None


def read_folders(root: Path) -> Iterator[FeedRow | BadRow]:
    """Photos in the order of their paths. The id is the path, the title the file's name; other files are passed over."""
    number = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        category = Path(folder).relative_to(root)
        for name in sorted(files):
            if name.startswith(".") or Path(name).suffix.lower() not in SUFFIXES:
                continue
            number += 1
            path = (category / name).as_posix()
            title = " ".join(Path(name).stem.replace("_", " ").replace("-", " ").split()) or name
            values = {
                "id": path,
                "title": title[:1].upper() + title[1:],
                "image_link": path,
                "product_type": " > ".join(category.parts),
            }
            yield FeedRow(number, {key: [value] for key, value in values.items()}, complete=False, where=path)
