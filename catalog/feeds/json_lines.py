"""JSON Lines feeds: one object a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

import orjson

from catalog.attributes import MAX_DEPTH
from catalog.feeds.delimited import LISTS, column_key, split_list
from catalog.feeds.lines import Lines, LineTooLong
from catalog.feeds.rows import MAX_LINE, BadRow, FeedRow, Number


def read_json_lines(stream: TextIO) -> Iterator[FeedRow | BadRow]:
    """An object is a product; a list has several values, a nested object becomes `outer.inner`, null is empty."""
    lines = Lines(stream)
    while True:
        number = lines.begin()
        try:
            text = next(lines)
        except StopIteration:
            return
        except LineTooLong:
            yield BadRow(number, f"a line of more than {MAX_LINE:,} characters")
            continue
        if not text.strip():
            continue
        try:
            row = orjson.loads(text)
        except ValueError as error:
            yield BadRow(number, f"not JSON ({error})")
            continue
        if not isinstance(row, dict):
            yield BadRow(number, "not a JSON object: one product a line is needed")
            continue
        values: dict[str, list[str]] = {}
        try:
            for name, value in row.items():
                _flatten(name.strip(), value, values)
        except ValueError as error:
            yield BadRow(number, str(error))
            continue
        yield FeedRow(number, values, complete=True)


def _flatten(name: str, value: object, values: dict[str, list[str]], depth: int = 1) -> None:
    if isinstance(value, dict):
        if depth == MAX_DEPTH:
            raise ValueError(f"{name}: nested more than {MAX_DEPTH} deep")
        for inner, item in value.items():
            _flatten(f"{name}.{inner.strip()}", item, values, depth + 1)
    elif isinstance(value, list):
        if any(isinstance(item, (dict, list)) for item in value):
            raise ValueError(f"{name}: a list may hold texts and numbers only")
        values[name] = [text for item in value if (text := _text(item))]
    elif isinstance(value, str) and column_key(name) in LISTS:
        values[name] = split_list(value)
    else:
        values[name] = [_text(value)]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else Number(value)
