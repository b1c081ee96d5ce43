"""A product's attributes: what Postgres can store and JSON can carry, and how they are laid flat.

An attribute is a text, a number, true or false, or a list of these. Whatever is nested is laid flat, as feeds do it: what is
written by hand when it is saved, and what was saved by earlier versions when it is answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import orjson

from catalog.texts import printable, text_problem

MAX_DEPTH = 4  # as in feeds, which flatten nested objects
# Many JSON parsers read no larger whole number, and Postgres returns a larger float as a whole number.
_LARGEST = 2**63 - 1
_SHOWN = 60

Value = str | int | float | bool


class UnusableAttribute(ValueError):
    """An attribute that cannot be kept; the text names it, says what is wrong, and what would do."""


def check_attributes(attributes: Mapping[str, object]) -> None:
    """Names and values, as they are written: texts, numbers, true, false, null, or lists and objects of those.

    Raises UnusableAttribute.
    """
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


def flat(attributes: Mapping[str, object]) -> dict[str, Value | list[Value]]:
    """The attributes without nesting: `{"size": {"eu": 42}}` becomes `{"size.eu": 42}`, lists in a list become one list.

    null is no value. A name that comes twice that way has both values.
    """
    found: dict[str, list[Value]] = {}
    listed: set[str] = set()
    for name, value, of_list in _leaves("", attributes):
        values = found.setdefault(name, [])
        values += value
        if of_list or len(values) > 1:
            listed.add(name)
    return {name: values if name in listed else values[0] for name, values in found.items()}


def flat_text(text: str) -> str | bytes:
    """The attributes as JSON without nesting, of the JSON as Postgres has it: almost always that text itself."""
    if text.find("{", 1) < 0 and "[[" not in text and "null" not in text:
        return text
    return orjson.dumps(flat(orjson.loads(text)))


def _leaves(name: str, value: object) -> Iterator[tuple[str, list[Value], bool]]:
    """Names with values, and whether these are of a list."""
    if isinstance(value, Mapping):
        for inner, each in value.items():
            yield from _leaves(f"{name}.{inner}" if name else inner, each)
    elif isinstance(value, list):
        if not value or (values := list(_plain(value))):
            yield name, values if value else [], True
        for each in _objects(value):
            yield from ((inner, values, True) for inner, values, _ in _leaves(name, each))
    elif isinstance(value, (str, int, float)):
        yield name, [value], False


def _plain(items: Iterable[object]) -> Iterator[Value]:
    """The texts, numbers and truth values of a list, and of the lists in it."""
    for item in items:
        if isinstance(item, list):
            yield from _plain(item)
        elif isinstance(item, (str, int, float)):
            yield item


def _objects(items: Iterable[object]) -> Iterator[Mapping[str, object]]:
    for item in items:
        if isinstance(item, list):
            yield from _objects(item)
        elif isinstance(item, Mapping):
            yield item
