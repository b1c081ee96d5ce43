"""`fields=title,price,image.thumbnail`: of what an answer says of a product, only what a caller wants.

A name is that of a member of a result or of its product, or leads into one by dots. It stands for every member that is called
so: in a search's answer `image` is the id of a result's photo, and in its product the photo itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from catalog.parameters import InvalidParameter, Parameters, quoted, read_listed

MAX_FIELDS = 100

Fields: TypeAlias = "Mapping[str, Fields | None]"
"""Members by name, each with those below it; None: all of them, or none are there."""

ANY: Fields = {}
"""Below a member whose own members are called as the shop likes: attributes."""

_PHOTO: Fields = dict.fromkeys(("url", "thumbnail", "width", "height"))
_PRODUCT: Fields = {
    **dict.fromkeys(("id", "sku", "group", "title", "description")),
    "category": dict.fromkeys(("slug", "name")),
    **dict.fromkeys(("brand", "price", "list_price", "currency", "in_stock", "url")),
    "attributes": ANY,
}
CATALOGUE_PRODUCT: Fields = {**_PRODUCT, "images": {"id": None, **_PHOTO, "position": None, "alt": None}}
FOUND_PRODUCT: Fields = {**_PRODUCT, "image": _PHOTO}


def read_fields(parameters: Parameters, *known: Fields) -> Fields | None:
    """What a caller chose of the members in any of `known`; None where it is not given: all. Raises InvalidParameter."""
    names = read_listed(parameters, "fields", most=MAX_FIELDS)
    chosen: dict[str, Any] = {}
    for name in names:
        path = next(filter(None, (_path(name, one) for one in known)), None)
        if path is None:
            there = dict.fromkeys(one for fields in known for one in names_of(fields))
            raise InvalidParameter("fields", f"{quoted(name)} is no field; there are {', '.join(there)}")
        _choose(chosen, path)
    return chosen or None


def part_of(fields: Fields | None, known: Fields) -> Fields | None:
    """Those of the chosen fields that are among `known`; None of None, which is all."""
    if fields is None:
        return None
    return {
        name: below for name, below in fields.items() if name in known and (below is None or known[name] is not None)
    }


def wants(fields: Fields | None, name: str) -> bool:
    """Whether a member, or something below it, was chosen."""
    return fields is None or name in fields


def pick(value: Any, fields: Fields | None) -> Any:
    """A part of an answer with the chosen members alone, in their order; each element of a list so."""
    if fields is None or value is None:
        return value
    if isinstance(value, list):
        return [pick(one, fields) for one in value]
    return {name: pick(member, fields[name]) for name, member in value.items() if name in fields}


def _path(name: str, known: Fields) -> list[str] | None:
    """`["image", "url"]` of `image.url`, None where there is no such member. The name of an attribute may have dots itself."""
    first, dot, rest = name.partition(".")
    if first not in known:
        return None
    below = known[first]
    if not dot:
        return [first]
    if below is None or not rest:
        return None
    if below is ANY:
        return [first, rest]
    path = _path(rest, below)
    return None if path is None else [first, *path]


def _choose(chosen: dict[str, Any], path: list[str]) -> None:
    """Whoever names a member and one below it wants the whole of it."""
    first, *rest = path
    if not rest:
        chosen[first] = None
    elif chosen.get(first, chosen) is not None:
        _choose(chosen.setdefault(first, {}), rest)


def names_of(fields: Fields) -> Iterator[str]:
    """Every name that a caller may write."""
    for name, below in fields.items():
        yield name
        if below is ANY:
            yield f"{name}.<name>"
        elif below is not None:
            yield from (f"{name}.{one}" for one in names_of(below))
