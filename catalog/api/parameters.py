"""Query parameters, each read with an error that names it."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal

from django.http import QueryDict

from catalog.api.problems import bad_parameter
from catalog.texts import printable, text_problem

_PRICE = re.compile(r"\d{1,10}(\.\d{1,4})?", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def check_names(query: QueryDict, known: Collection[str]) -> None:
    """A misspelt filter is an error: passed over, it would answer another question."""
    for name in query:
        if name not in known:
            raise bad_parameter(printable(name)[:100], f"there is no such parameter; there are {', '.join(known)}")


def read_text(query: QueryDict, name: str, *, longest: int = 200) -> str:
    """The last value, stripped; empty when it is not given."""
    return _checked(name, query.get(name, ""), longest)


def read_texts(query: QueryDict, name: str, *, longest: int = 200, most: int = 100) -> list[str]:
    """Every value of a repeatable parameter, without the empty ones."""
    values = [text for value in query.getlist(name) if (text := _checked(name, value, longest))]
    if len(values) > most:
        raise bad_parameter(name, f"given {len(values)} times, at most {most}")
    return values


def read_whole_number(query: QueryDict, name: str, *, default: int, least: int, most: int) -> int:
    text = read_text(query, name)
    if not text:
        return default
    if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise bad_parameter(name, f"{text!r} is not a whole number from {least} to {most}")
    return int(text)


def read_flag(query: QueryDict, name: str) -> bool | None:
    text = read_text(query, name).lower()
    if text and text not in _FLAGS:
        raise bad_parameter(name, f"{text!r} is neither true nor false")
    return _FLAGS.get(text)


def read_price(query: QueryDict, name: str) -> Decimal | None:
    text = read_text(query, name)
    if text and not _PRICE.fullmatch(text):
        raise bad_parameter(name, f"{text!r} is not a price like 19.99")
    return Decimal(text) if text else None


def _checked(name: str, value: str, longest: int) -> str:
    value = value.strip()
    if problem := text_problem(value):
        raise bad_parameter(name, problem)
    if len(value) > longest:
        raise bad_parameter(name, f"{len(value)} characters, at most {longest}")
    return value
