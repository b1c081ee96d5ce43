"""Categories in JSON: by slug, or by a path such as `Clothing > Dress`, whose missing categories are made."""

from __future__ import annotations

from typing import Any

from catalog.categories import MAX_NAME, SEPARATOR, split_path
from catalog.changes.wishes import CategoryWish
from catalog.feeds.category_cells import MAX_DEPTH, MOST
from catalog.writes.members import Members, shown, text_of


def read_category(members: Members, name: str) -> tuple[CategoryWish, ...] | None:
    """The category that is shown, () for none; None where nothing is said of it."""
    if name not in members:
        return None
    if members.given[name] is None:
        return ()
    wish = _category(members, members.given[name], name)
    return None if wish is None else (wish,)


def read_categories(members: Members, name: str) -> tuple[CategoryWish, ...] | None:
    """Further categories; None where nothing is said of them."""
    if name not in members:
        return None
    given = members.given[name] or []
    if not isinstance(given, list):
        members.wrong(f"{shown(given)} is no list of categories", name)
        return None
    if len(given) > MOST - 1:
        members.wrong(f"{len(given)} categories, at most {MOST - 1}", name)
        return None
    return tuple(
        wish for number, one in enumerate(given) if (wish := _category(members, one, name, number)) is not None
    )


def _category(members: Members, value: Any, *place: str | int) -> CategoryWish | None:
    """A slug, a path, or an object of answers, of which the slug counts."""
    if isinstance(value, dict):
        inner = Members(value, at=members.pointer(*place))
        inner.refuse_unknown(("slug", "name"))
        value = value.get("slug")
        members.errors += inner.errors
    try:
        return _wish(members.place(*place), text_of(None, needed=True)(value))
    except ValueError as error:
        members.wrong(str(error), *place)
        return None


def _wish(at: str, text: str) -> CategoryWish:
    """`dress` is a slug; `Clothing > Dress`, and `Clothing >`, are paths. Raises ValueError."""
    if SEPARATOR not in text:
        return CategoryWish(at, slug=text)
    path = split_path(text)
    if not path:
        raise ValueError(f"{shown(text)} is no path; write it like Clothing > Dress")
    if any(len(name) > MAX_NAME for name in path):
        raise ValueError(f"a category's name is longer than {MAX_NAME} characters")
    if len(path) > MAX_DEPTH:
        raise ValueError(f"{len(path)} levels, at most {MAX_DEPTH}")
    return CategoryWish(at, path=path)
