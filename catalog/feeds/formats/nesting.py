"""Lays the nested values of an item side by side, as `outer.inner`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MAX_DEPTH = 12
Values = dict[str, list[str]]


class TooDeep(ValueError):
    """The values are nested deeper than any real item's."""


def join(outer: str, inner: str) -> str:
    return f"{outer}.{inner}" if outer and inner else outer or inner


def add_group(values: Values, name: str, group: Sequence[Values]) -> None:
    """Add the values of several objects that bear one name: one value an object, "" for an object that has none.

    Where an object has several values of a name itself, all of them are given, one after the other.
    """
    names = dict.fromkeys(inner for one in group for inner in one)
    for inner in names:
        given = [one.get(inner, [""] if len(group) > 1 else []) for one in group]
        if len(group) > 1 and any(len(texts) > 1 for texts in given):
            given = [[text for text in texts if text] for texts in given]
        values.setdefault(join(name, inner), []).extend(_chained(given))


def _chained(lists: Iterable[list[str]]) -> Iterable[str]:
    return (text for texts in lists for text in texts)
