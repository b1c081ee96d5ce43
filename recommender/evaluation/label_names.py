"""How labels are named, as in `--labels category,attribute:color`, and the SQL of each.

Several are written with commas between them. An attribute's name may hold commas too: after `attribute:`, a comma begins
the next label only where a label follows, so `attribute:size,EU,brand` is the attribute `size,EU`, then the brand.
"""

from __future__ import annotations

USABLE = "category, brand, product or attribute:NAME, or several with commas between them"
_LONGEST_ATTRIBUTE = 200
_LONGEST = 500  # as the column of Space
_ATTRIBUTE = "attribute:"

# SQL of a label on p (product) and c (category); NULL means unlabelled. The text after `attribute:` is the parameter {name}.
_CLASS = {
    "category": "c.slug",
    "brand": "nullif(p.brand, '')",
    "attribute": "nullif(p.attributes ->> %({name})s, '')",
    "product": "CASE WHEN p.variant_group <> '' THEN 'group ' || p.variant_group ELSE 'product ' || p.id END",
}


class UnknownLabels(ValueError):
    """`--labels` names nothing that a catalogue has; the text lists what it may be."""


def checked_labels(text: str) -> str:
    """One label or several, as they are kept: without spaces around them. Raises UnknownLabels."""
    return ",".join(split_labels(text))


def split_labels(text: str) -> list[str]:
    """`category`, `brand`, `product`, `attribute:NAME`, or several of them. Raises UnknownLabels, which names the wrong one."""
    found: list[str] = []
    for piece in text.split(","):
        label = piece.strip()
        if label in ("category", "brand", "product") or label.startswith(_ATTRIBUTE):
            found.append(label)
        elif found and found[-1].startswith(_ATTRIBUTE):
            found[-1] += f",{piece}"
        else:
            raise UnknownLabels(f"there are no labels {label!r}; use {USABLE}")
    for label in found:
        if label.startswith(_ATTRIBUTE) and not 1 <= len(label) - len(_ATTRIBUTE) <= _LONGEST_ATTRIBUTE:
            raise UnknownLabels(
                f"there are no labels {label[:_LONGEST_ATTRIBUTE]!r}: a name of 1 to {_LONGEST_ATTRIBUTE} characters follows "
                f"{_ATTRIBUTE}; use {USABLE}"
            )
        if found.count(label) > 1:
            raise UnknownLabels(f"labels {text!r}: {label} is named twice")
    if "product" in found and len(found) > 1:
        raise UnknownLabels(f"labels {text!r}: a product has one of each other label, so product stands alone")
    if len(",".join(found)) > _LONGEST:
        raise UnknownLabels(f"labels of more than {_LONGEST} characters in all: name fewer")
    return found


def label_columns(labels: str) -> tuple[list[str], dict[str, str]]:
    """SQL of the class by each label (constants of this module) on p, a product, and c, its category; and its parameters.

    Raises UnknownLabels.
    """
    columns, parameters = [], {}
    for number, label in enumerate(split_labels(labels)):
        kind, _, name = label.partition(":")
        columns.append(_CLASS[kind].format(name=f"name_{number}"))
        parameters[f"name_{number}"] = name
    return columns, parameters
