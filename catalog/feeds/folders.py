"""A folder tree as a feed: one folder a category, one photo a product."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from catalog.feeds.rows import BadRow, FeedRow

SUFFIXES = {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}


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
