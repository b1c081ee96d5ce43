"""The categories of a row: the first is shown, by all of them the product is found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from catalog.categories import MAX_NAME, SEPARATOR, Path, split_path

COLUMNS = ("product_type", "google_product_category")
MAX_DEPTH = 60  # treebeard's path: 255 characters, 4 a level
MOST = 20


def read_categories(
    cells: Mapping[str, Sequence[str]], tell: Callable[[str], None]
) -> tuple[Path | None, tuple[Path, ...]]:
    """The category that is shown, and further ones: the shop's own types, else Google's where they are paths and no numbers.

    None: the row says nothing of it; (): the product has none.
    """
    if not any(column in cells for column in COLUMNS):
        return None, ()
    texts: list[str] = next(
        filter(None, ([text for text in cells.get(one, ()) if not text.isdigit()] for one in COLUMNS)), []
    )
    paths = list(dict.fromkeys(path for text in texts for path in _paths(text)))
    if any(len(name) > MAX_NAME for path in paths for name in path):
        tell(f"product_type: a category's name is longer than {MAX_NAME} characters")
        return None, ()
    if any(len(path) > MAX_DEPTH for path in paths):
        tell(f"product_type: more than {MAX_DEPTH} levels")
        return None, ()
    if len(paths) > MOST:
        tell(f"product_type: {len(paths)} categories; the first {MOST} are taken")
    return (paths[0], tuple(paths[1:MOST])) if paths else ((), ())


@lru_cache(maxsize=4096)
def _paths(text: str) -> tuple[Path, ...]:
    return tuple(path for one in listed(text) if (path := split_path(one)))


def listed(text: str) -> list[str]:
    """The paths of a text that lists several, `Women > Shoes, Sale > Shoes`; else the text alone.

    Parts between `;` or `|` are paths where each has a `>`. Names of categories may hold commas ("Care, Repair > Tools"), so
    that between commas each part must have the first name or the last name of one before it as well.
    """
    for mark in (";", "|", ","):
        parts = text.split(mark)
        paths = [split_path(part) for part in parts]
        if len(parts) < 2 or not all(
            SEPARATOR in part and len(path) > 1 for part, path in zip(parts, paths, strict=True)
        ):
            continue
        if mark != "," or all(_is_like(path, paths[:number]) for number, path in enumerate(paths) if number):
            return parts
    return [text]


def _is_like(path: Path, others: Sequence[Path]) -> bool:
    return any(path[0] == other[0] or path[-1] == other[-1] for other in others)
