"""Which column is which, chosen on a page instead of written in TOML."""

from __future__ import annotations

from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.feeds.mapping.files import Rule, parse_mapping
from catalog.feeds.mapping.shop import OURS
from catalog.feeds.mapping.suggesting import toml_text

# Our fields that people are asked for, with what they are called on the page; others are left to the file's text.
ASKED: tuple[tuple[str, str], ...] = (
    ("id", "Product number (SKU)"),
    ("title", "Title"),
    ("image_link", "Photo"),
    ("price", "Price"),
    ("sale_price", "Price on sale"),
    ("currency", "Currency"),
    ("brand", "Brand"),
    ("product_type", "Category"),
    ("description", "Description"),
    ("link", "Address in the shop"),
    ("availability", "In stock or not"),
    ("quantity", "Pieces in stock"),
    ("item_group_id", "Variant group"),
    ("published", "Shown or hidden"),
)
NEEDED = frozenset(("id", "title"))


@dataclass(frozen=True)
class Asked:
    """One field of the page. `chosen`: the columns that it has now; a second and further one is kept as it is."""

    field: str
    label: str
    chosen: tuple[str, ...]

    @property
    def is_needed(self) -> bool:
        return self.field in NEEDED


def asked(mapping: str, guessed: Table[str, Sequence[str]]) -> list[Asked]:
    """The fields as a mapping's text has them, or where it is empty as they were guessed. Raises MappingError."""
    if mapping.strip():
        chosen = {rule.field: rule.columns for rule in parse_mapping(mapping).rules}
    else:
        chosen = {field: tuple(columns) for field, columns in guessed.items()}
    return [Asked(field, label, chosen.get(field, ())) for field, label in ASKED]


def written(chosen: Table[str, str], before: str, guessed: Table[str, Sequence[str]]) -> str:
    """The text of a mapping by which each field takes its chosen column ("": none).

    What the text before says besides stays: fields that are not asked for, attributes, how values are split and cleaned, and the
    further columns of a field whose first one was not changed. Raises MappingError.
    """
    rules = list(parse_mapping(before).rules) if before.strip() else []
    known = {rule.field: rule for rule in rules} or {
        name: Rule(name, tuple(columns)) for name, columns in guessed.items()
    }
    lines = []
    for field, _ in ASKED:
        column = chosen.get(field, "")
        rule = known.get(field)
        if rule is not None and (column == rule.columns[0] if rule.columns else not column):
            lines.append(_line(rule))
        elif column:
            lines.append(_line(Rule(field, (column,))))
    asked_for = {field for field, _ in ASKED}
    others = [rule for rule in rules if rule.field not in asked_for]
    lines += [_line(rule) for rule in others if rule.field in OURS]
    if attributes := [rule for rule in others if rule.field not in OURS]:
        lines += ["", "[attributes]", *map(_line, attributes)]
    return "\n".join(lines) + "\n"


def _line(rule: Rule) -> str:
    name = rule.field if rule.field in OURS else toml_text(rule.field)
    columns = f"[{', '.join(map(toml_text, rule.columns))}]"
    options = [
        *([f"columns = {columns}"] if rule.columns else []),
        *(["strip_html = true"] if rule.strip_html else []),
        *([f"split = {toml_text(rule.split)}"] if rule.split else []),
        *([f"join = {toml_text(rule.join)}"] if rule.join is not None else []),
        *([f"default = {toml_text(rule.default)}"] if rule.default else []),
    ]
    if len(options) > 1 or not rule.columns:
        return f"{name} = {{ {', '.join(options)} }}"
    return f"{name} = {toml_text(rule.columns[0]) if len(rule.columns) == 1 else columns}"
