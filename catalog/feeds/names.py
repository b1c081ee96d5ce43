"""Names of columns, and the columns whose cells hold several values."""

from __future__ import annotations

import re
from functools import lru_cache

LISTS = {"additional_image_link"}
_BETWEEN_URLS = re.compile(r",\s*(?=https?://|\Z)", re.IGNORECASE)


@lru_cache(1024)
def column_key(name: str) -> str:
    """`g:Image Link` → `image_link`: how a column is known, whoever wrote its name."""
    return "_".join(name.strip().lower().removeprefix("g:").replace("-", " ").split())


def split_list(cell: str) -> list[str]:
    """The photos of one cell. A URL may hold commas itself, so a list of URLs is split only where the next one begins."""
    if cell.lstrip().lower().startswith(("http://", "https://")):
        return _BETWEEN_URLS.split(cell)
    return cell.split(",")
