"""Applies the rules of a mapping file to rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from catalog.feeds.mapping.files import Mapping, MappingError, Rule
from catalog.feeds.mapping.shop import Values, key_of
from catalog.feeds.mapping.texts import plain_text
from catalog.feeds.rows import FeedRow

_SHOWN = 30


def check_columns(mapping: Mapping, rows: Iterable[FeedRow]) -> None:
    """Raises MappingError where a rule names a column that a table does not have, or one that none of these rows has."""
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    keys = {key_of(name) for name in names}
    for rule in mapping.rules:
        for column in rule.columns:
            if names and column not in keys:
                has = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
                raise MappingError(f"mapping: {rule.field}: the feed has no column {column!r}; it has: {has}")


def ruled(row: FeedRow, mapping: Mapping) -> FeedRow:
    """The row with the fields that rules give; columns that no rule names or replaces stay."""
    cells: Values = {}
    for name, texts in row.values.items():
        cells.setdefault(key_of(name), []).extend(texts)
    used = {column for rule in mapping.rules for column in rule.columns} | {
        key_of(rule.field) for rule in mapping.rules
    }
    values: Values = {name: texts for name, texts in row.values.items() if key_of(name) not in used}
    for rule in mapping.rules:
        if rule.default or any(column in cells for column in rule.columns):
            values.setdefault(rule.field, []).extend(_texts(rule, cells))
    return replace(row, values=values)


def _texts(rule: Rule, cells: Values) -> list[str]:
    texts = [text for column in rule.columns for text in cells.get(column, ()) if text and not text.isspace()]
    if rule.strip_html:
        texts = [plain_text(text) for text in texts]
    if rule.split:
        texts = [part for text in texts for piece in text.split(rule.split) if (part := piece.strip())]
    if rule.join is not None and texts:
        texts = [rule.join.join(text.strip() for text in texts)]
    return texts or ([rule.default] if rule.default else [])
