"""Turns a JSON object into the values of a row."""

from __future__ import annotations

from decimal import Decimal

from catalog.feeds.formats.nesting import MAX_DEPTH, TooDeep, Values, add_group
from catalog.feeds.names import LISTS, column_key, split_list
from catalog.feeds.rows import BadRow, FeedRow, Number

_LONGEST_NUMBER = 100  # digits: one with more, such as 1e999999999, stays written with its exponent


def json_row(item: object, line: int, where: str = "") -> FeedRow | BadRow:
    """A list has several values, a nested object becomes `outer.inner`, null is empty. Of GraphQL's edges the node counts."""
    if isinstance(item, dict) and isinstance(item.get("node"), dict):
        item = item["node"]
    if not isinstance(item, dict):
        return BadRow(line, "not a JSON object: a product is written as one", where)
    try:
        return FeedRow(line, _flat(item, 1), complete=True, where=where)
    except TooDeep as error:
        return BadRow(line, str(error), where)


def _flat(item: dict[str, object], depth: int, path: str = "") -> Values:
    if depth > MAX_DEPTH:
        raise TooDeep(f"{path[:200]}: nested more than {MAX_DEPTH} deep")
    values: Values = {}
    for written, value in item.items():
        name = written.strip()
        if isinstance(value, dict):
            add_group(values, name, [_flat(value, depth + 1, name)])
        elif isinstance(value, list):
            _add_list(values, name, value, depth)
        elif isinstance(value, str) and column_key(name) in LISTS:
            values[name] = split_list(value)
        else:
            values[name] = [_text(value)]
    return values


def _add_list(values: Values, name: str, items: list[object], depth: int) -> None:
    """Texts and numbers are values of this name; objects are laid side by side; lists in a list are one list."""
    if depth > MAX_DEPTH:
        raise TooDeep(f"{name[:200]}: nested more than {MAX_DEPTH} deep")
    values.setdefault(name, []).extend(
        text for item in items if not isinstance(item, (dict, list)) and (text := _text(item))
    )
    for inner in items:
        if isinstance(inner, list):
            _add_list(values, name, inner, depth + 1)
    objects = [_flat(item, depth + 1, name) for item in items if isinstance(item, dict)]
    if objects:
        add_group(values, name, objects)
        if not values[name]:
            del values[name]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal) and abs(value.adjusted()) <= _LONGEST_NUMBER:
        return Number(format(value, "f"))
    return value if isinstance(value, str) else Number(value)
