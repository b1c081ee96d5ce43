"""A product's attributes in JSON, kept as feeds keep them: texts, and lists of texts where there are several values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unicodedata import normalize

from catalog.attributes import MAX_DEPTH
from catalog.changes.wishes import AttributeValue
from catalog.texts import text_problem
from catalog.writes.exact_json import WrittenNumber
from catalog.writes.members import Members, shown

MOST_ATTRIBUTES = 500


def read_attributes(members: Members, name: str) -> Mapping[str, AttributeValue | None] | None:
    """Attributes by name, None for one that is to go; None where nothing is said of any.

    Numbers and truths are kept as they are written; an object within is `outer.inner`, as in feeds.
    """
    given = members.given.get(name, ...)
    if given is ...:
        return None
    if not isinstance(given, dict):
        members.wrong(f"{shown(given)} is no object; write names and values, and null for one that is to go", name)
        return None
    found: dict[str, AttributeValue | None] = {}
    _add(found, members, [name], "", given, 1)
    if len(found) > MOST_ATTRIBUTES:
        members.wrong(f"{len(found)} attributes, at most {MOST_ATTRIBUTES}", name)
    return found


def _add(
    found: dict[str, AttributeValue | None],
    members: Members,
    place: list[str | int],
    before: str,
    given: Mapping[str, Any],
    depth: int,
) -> None:
    for written, value in given.items():
        at = [*place, written]
        own = normalize("NFC", written.strip())
        if problem := text_problem(written) or ("" if own else "is empty"):
            members.wrong(f"the name {problem}; leave it out", *at)
        elif not isinstance(value, dict):
            _keep(found, members, at, f"{before}{own}", value)
        elif depth < MAX_DEPTH:
            _add(found, members, at, f"{before}{own}.", value, depth + 1)
        else:
            members.wrong(f"nested more than {MAX_DEPTH} deep; write a name and a text", *at)


def _keep(
    found: dict[str, AttributeValue | None], members: Members, place: list[str | int], name: str, value: Any
) -> None:
    values = value if isinstance(value, list) else [value]
    texts: list[str] = []
    for number, one in enumerate(values):
        try:
            texts += filter(None, [_text(one)])
        except ValueError as error:
            members.wrong(str(error), *place, *([number] if isinstance(value, list) else []))
    different = list(dict.fromkeys(texts))
    found[name] = None if not different else different[0] if len(different) == 1 else different


def _text(value: Any) -> str:
    """Raises ValueError."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, WrittenNumber):
        return str(value)
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no text, number, true or false")
    if problem := text_problem(value):
        raise ValueError(f"the value {problem}; leave it out")
    return normalize("NFC", value.strip())
