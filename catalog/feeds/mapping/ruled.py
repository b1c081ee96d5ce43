"""Applies the rules of a mapping file to rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from catalog.feeds.mapping.files import Mapping, MappingError, Rule
from catalog.feeds.mapping.shop import Values, key_of
from catalog.feeds.mapping.texts import plain_text
from catalog.feeds.rows import FeedRow
from catalog.texts import printable

_SHOWN = 30


def missing_columns(mapping: Mapping, rows: Sequence[FeedRow]) -> list[str]:
    """A sentence for each column that a rule names and none of these rows has. Raises MappingError where they are a table's."""
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    keys = {key_of(name) for name in names}
    missing = []
    for rule in mapping.rules:
        for column in rule.columns:
            if names and key_of(column) not in keys:
                has = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
                missing.append(f"mapping: {rule.field}: the feed has no column {printable(column)!r}; it has: {has}")
    if missing and not rows[0].complete:
        raise MappingError(missing[0])
    return missing


def ruled(row: FeedRow, mapping: Mapping) -> FeedRow:
    """The row with the fields that rules give; columns that no rule names or replaces stay."""
    cells: Values = {}
    for name, texts in row.values.items():
        cells.setdefault(key_of(name), []).extend(texts)
    values: Values = {name: texts for name, texts in row.values.items() if key_of(name) not in mapping.used}
    for rule in mapping.rules:
        if rule.default or any(key_of(column) in cells for column in rule.columns):
            values.setdefault(rule.field, []).extend(_texts(rule, cells))
    return replace(row, values=values)


def _texts(rule: Rule, cells: Values) -> list[str]:
    texts = [text for column in rule.columns for text in cells.get(key_of(column), ()) if text and not text.isspace()]
    if rule.strip_html:
        texts = [plain_text(text) for text in texts]
    if rule.split:
        texts = [part for text in texts for piece in text.split(rule.split) if (part := piece.strip())]
    if rule.join is not None and texts:
        texts = [rule.join.join(text.strip() for text in texts)]
    return texts or ([rule.default] if rule.default else [])
