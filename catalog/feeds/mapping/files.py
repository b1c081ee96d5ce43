"""Mapping files: which column of a feed is which of our fields, in TOML written by a person."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping as Table
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from catalog.feeds.mapping.shop import OURS
from catalog.feeds.names import column_key
from catalog.feeds.rows import FeedError
from catalog.texts import printable, text_problem

MAX_BYTES = 1024 * 1024
ATTRIBUTES = "attributes"
_OPTIONS = {"column": str, "columns": list, "split": str, "join": str, "strip_html": bool, "default": str}
_EXAMPLE = 'title = "Name", image_link = ["Photo 1", "Photo 2"] or product_type = { column = "Group", split = ";" }'
_SHOWN = 80


class MappingError(FeedError):
    """A mapping file cannot be used; the text names the key and the remedy."""


@dataclass(frozen=True)
class Rule:
    """Where a field's values come from: the texts of `columns` in this order, then the transforms in the order below."""

    field: str
    columns: tuple[str, ...]
    strip_html: bool = False
    split: str = ""
    join: str | None = None
    default: str = ""


@dataclass(frozen=True)
class Mapping:
    """The rules of a mapping file. Columns that no rule names stay as the feed writes them."""

    rules: tuple[Rule, ...]

    @cached_property
    def used(self) -> frozenset[str]:
        """The keys of columns that rules take up or replace."""
        return frozenset(column_key(name) for rule in self.rules for name in (rule.field, *rule.columns))


def read_mapping(path: Path) -> Mapping:
    """Raises MappingError, also where the file cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise MappingError(f"mapping {path}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise MappingError(f"mapping {path}: more than {MAX_BYTES:,} bytes; it is no mapping file")
    try:
        return parse_mapping(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise MappingError(f"mapping {path}: not UTF-8; save it as UTF-8") from None
    except MappingError as error:
        raise MappingError(f"mapping {path}: {error}") from None


def parse_mapping(text: str) -> Mapping:
    """The rules in a text of TOML. Raises MappingError."""
    try:
        table = tomllib.loads(text.replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise MappingError(f"no TOML: {error}; names with blanks go in quotes") from None
    rules: list[Rule] = []
    for name, value in table.items():
        if name == ATTRIBUTES:
            if not isinstance(value, dict):
                raise MappingError(f"{ATTRIBUTES}: write a table, [{ATTRIBUTES}], with a line an attribute")
            rules.extend(_rule(f"{ATTRIBUTES}.{key}", key, inner) for key, inner in value.items())
            continue
        if name not in OURS:
            close = get_close_matches(name, OURS, 1)
            meant = f"did you mean {close[0]}? " if close else ""
            raise MappingError(
                f"{_shown(name)}: no field of ours; {meant}attributes go under [{ATTRIBUTES}]; the fields are {', '.join(sorted(OURS))}"
            )
        rules.append(_rule(name, name, value))
    if not rules:
        raise MappingError(f"it has no rule; write lines such as {_EXAMPLE}")
    return Mapping(tuple(rules))


def _rule(key: str, field: str, value: object) -> Rule:
    """`key`: how the rule is named in errors."""
    shown = _shown(key)
    if not field.strip() or text_problem(field):
        raise MappingError(f"{shown}: no name for an attribute")
    if isinstance(value, str):
        return Rule(field, (_column(shown, value),))
    if isinstance(value, list):
        return Rule(field, _columns(shown, value))
    if not isinstance(value, dict):
        raise MappingError(f"{shown}: {_shown(repr(value))} is no name of a column; write {_EXAMPLE}")
    _check(shown, value)
    columns = (value["column"],) if "column" in value else value.get("columns", [])
    return Rule(
        field,
        _columns(shown, columns) if columns else (),
        strip_html=value.get("strip_html", False),
        split=value.get("split", ""),
        join=value.get("join"),
        default=value.get("default", ""),
    )


def _check(shown: str, value: Table[str, object]) -> None:
    for option, given in value.items():
        if option not in _OPTIONS:
            close = get_close_matches(option, _OPTIONS, 1)
            meant = f"did you mean {close[0]}? " if close else ""
            raise MappingError(f"{shown}.{_shown(option)}: no option; {meant}there are {', '.join(_OPTIONS)}")
        if not isinstance(given, _OPTIONS[option]):
            kinds = {str: "a text in quotes", list: "a list of names", bool: "true or false"}
            raise MappingError(f"{shown}.{option}: {_shown(repr(given))} is not {kinds[_OPTIONS[option]]}")
    if "column" in value and "columns" in value:
        raise MappingError(f"{shown}: column and columns; write one of them")
    if "column" not in value and not value.get("columns") and not value.get("default"):
        raise MappingError(
            f'{shown}: names no column; write column = "…", or default = "…" for the same text in every row'
        )
    if value.get("split") == "":
        raise MappingError(f'{shown}.split: empty; write what stands between the values, such as split = "|"')


def _columns(shown: str, names: object) -> tuple[str, ...]:
    if not isinstance(names, (list, tuple)) or not names:
        raise MappingError(f"{shown}: an empty list; write the names of columns")
    return tuple(_column(shown, name) for name in names)


def _column(shown: str, name: object) -> str:
    if not isinstance(name, str) or not name.strip():
        raise MappingError(
            f"{shown}: {_shown(repr(name))} is no name of a column; write it as the feed does, in quotes"
        )
    return name


def _shown(text: str) -> str:
    return printable(text)[:_SHOWN]
