"""Checks a product's attributes: what Postgres can store and JSON can carry."""

from __future__ import annotations

from collections.abc import Mapping

from catalog.texts import printable, text_problem

MAX_DEPTH = 4  # as in feeds, which flatten nested objects
# Many JSON parsers read no larger whole number, and Postgres returns a larger float as a whole number.
_LARGEST = 2**63 - 1
_SHOWN = 60


class UnusableAttribute(ValueError):
    """An attribute that cannot be kept; the text names it, says what is wrong, and what would do."""


def check_attributes(attributes: Mapping[str, object]) -> None:
    """Names and values: texts, numbers, true, false, null, or lists and objects of those. Raises UnusableAttribute."""
    for name, value in attributes.items():
        shown = printable(name)[:_SHOWN] or "the attribute without a name"
        if problem := text_problem(name):
            raise UnusableAttribute(f"{shown}: the name {problem}; leave it out")
        if problem := _problem(value, depth=1):
            raise UnusableAttribute(f"{shown}: {problem}")


def _problem(value: object, depth: int) -> str:
    if isinstance(value, str):
        problem = text_problem(value)
        return f"the value {problem}; leave it out" if problem else ""
    if isinstance(value, (int, float)):
        return "" if abs(value) <= _LARGEST else "the number is too large, or none (NaN, Infinity); write it as text"
    if not isinstance(value, (dict, list)):
        return ""
    if depth > MAX_DEPTH:
        return f"nested more than {MAX_DEPTH} deep; write a name and a text"
    inner = [*value, *value.values()] if isinstance(value, dict) else value
    return next(filter(None, (_problem(item, depth + 1) for item in inner)), "")
