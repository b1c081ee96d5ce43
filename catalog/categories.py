"""The category tree as feeds write it: "Clothing > Dress"."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from django.db import transaction
from django.utils.text import slugify

from catalog.locks import Lock, hold_until_commit
from catalog.models import Category
from catalog.texts import folded

SEPARATOR = ">"
MAX_NAME = 200
_MAX_SLUG = 255

Path = tuple[str, ...]


def split_path(text: str) -> Path:
    """`"A > B  b > "` → `("A", "B b")`."""
    names = (" ".join(name.split()) for name in text.split(SEPARATOR))
    return tuple(name for name in names if name)


def lock_tree() -> None:
    """Let one transaction at a time write the tree: inserting a category changes the paths of its siblings."""
    hold_until_commit(Lock.CATEGORY_TREE)


class CategoryTree:
    """The ids of all categories by path, whatever its case, read once; meant for one import."""

    def __init__(self) -> None:
        self._ids = _read()

    def find(self, path: Path) -> int | None:
        return self._ids.get(_folded(path))

    def make(self, path: Path) -> int:
        """The id of the category at a path. Missing ones are created in their own transaction, safe beside other writers."""
        if _folded(path) not in self._ids:
            with transaction.atomic():
                lock_tree()
                self._ids = _read()
                for depth in range(1, len(path) + 1):
                    if _folded(path[:depth]) not in self._ids:
                        self._ids[_folded(path[:depth])] = self._add(path[:depth])
        return self._ids[_folded(path)]

    def _add(self, path: Path) -> int:
        fields = {"name": path[-1], "slug": free_slug(path)}
        if len(path) == 1:
            return int(Category.objects.add_root(fields).pk)
        parent = Category.objects.get(pk=self._ids[_folded(path[:-1])])
        return int(Category.objects.add_child(parent, fields).pk)


def free_slug(path: Path) -> str:
    """`dress`; where that is taken `clothing-dress`, further parents, and at last a number."""
    parts = [slugify(name, allow_unicode=True) or "category" for name in path]
    candidates = ["-".join(parts[start:])[:_MAX_SLUG] for start in range(len(parts) - 1, -1, -1)]
    taken = set(Category.objects.filter(slug__in=candidates).values_list("slug", flat=True))
    for slug in candidates:
        if slug not in taken:
            return slug
    number = 2
    while Category.objects.filter(slug=f"{candidates[-1][: _MAX_SLUG - 12]}-{number}").exists():
        number += 1
    return f"{candidates[-1][: _MAX_SLUG - 12]}-{number}"


@lru_cache(maxsize=4096)
def _folded(path: Path) -> Path:
    """By what a path is known: composed and without case."""
    return tuple(map(folded, path))


def _read() -> dict[Path, int]:
    """Of categories that differ in case alone, the first in the tree's order counts."""
    rows: Iterable[tuple[int, str, str]] = Category.objects.order_by("path").values_list("pk", "path", "name")
    names: dict[str, Path] = {}
    ids: dict[Path, int] = {}
    for pk, path, name in rows:
        names[path] = (*names.get(path[: -Category.steplen], ()), *_folded((name,)))
        ids.setdefault(names[path], pk)
    return ids
