"""Values as callers write them in a query string, a form or JSON, read with an error that names the parameter."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from catalog.texts import printable, text_problem

Parameters = Mapping[str, Sequence[str]]  # by name, each value in the order given

MAX_ID = 2**63 - 1  # of a bigint; no row has a greater one
MAX_VALUES = 200  # of all parameters together, and of one that is split at commas
_SHOWN = 100  # characters of a name or value that an error repeats
_PRICE = re.compile(r"\d{1,10}(\.\d{1,6})?")
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class InvalidParameter(ValueError):
    """A parameter that cannot be served. `parameter` is its name, no longer than an answer should repeat; the text says why
    and what would do."""

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(detail)
        self.parameter = printable(parameter)[:_SHOWN]


def quoted(text: str) -> str:
    """A caller's value as an error repeats it: its beginning, for a value may be as long as a body."""
    return repr(text[:_SHOWN])


def unknown_parameter(name: str, known: Sequence[str]) -> InvalidParameter:
    """The error for a misspelt name: passed over, it would answer something else than was asked. `known`: as to be shown."""
    there = f"{', '.join(known[:-1])} and {known[-1]}" if len(known) > 1 else "".join(known)
    return InvalidParameter(name, f"there is no such parameter; there are {there}")


def check_names(parameters: Parameters, *, known: Sequence[str]) -> None:
    """Every name is one of `known`. Raises InvalidParameter."""
    for name in parameters:
        if name not in known:
            raise unknown_parameter(name, known)


def check_values(parameters: Parameters) -> None:
    """Names and values are text, and not too many in all. Raises InvalidParameter."""
    total = 0
    for name, values in parameters.items():
        total += len(values)
        _check_text(name, name)
        if len(values) > MAX_VALUES:
            raise InvalidParameter(name, f"given {len(values)} times; at most {MAX_VALUES}")
        if total > MAX_VALUES:
            raise InvalidParameter(name, f"with this {total} values are given; at most {MAX_VALUES} in all")
        for value in values:
            _check_text(name, value)


def read_one(parameters: Parameters, name: str) -> str | None:
    """The only value, without the blanks around it; None where it is not given or empty. Raises InvalidParameter."""
    values = parameters.get(name, ())
    if len(values) > 1:
        raise InvalidParameter(name, "given more than once")
    return values[0].strip() or None if values else None


def read_listed(parameters: Parameters, name: str, *, most: int) -> list[str]:
    """Values that are repeated or separated by commas, each once, without the empty ones. Raises InvalidParameter."""
    parts = (part.strip() for value in parameters.get(name, ()) for part in value.split(","))
    listed = list(dict.fromkeys(filter(None, parts)))
    if len(listed) > most:
        raise InvalidParameter(name, f"{len(listed)} values; at most {most}")
    return listed


def read_whole(parameters: Parameters, name: str, *, least: int, most: int, default: int) -> int:
    """A whole number. Raises InvalidParameter."""
    text = read_one(parameters, name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise InvalidParameter(name, f"{quoted(text)} is no whole number from {least} to {most}")
    return int(text)


def number_in(text: str) -> float:
    """The number that a text is, of ASCII digits and with no sign at 0; NaN where it is none.

    Python would take `0_1` for 1 too, and digits of every script.
    """
    if not text.isascii() or "_" in text:
        return math.nan
    try:
        return float(text) + 0.0
    except ValueError:
        return math.nan


def read_number(parameters: Parameters, name: str, *, least: float, most: float) -> float | None:
    """A number with or without decimals; None where it is not given. Raises InvalidParameter."""
    text = read_one(parameters, name)
    if text is None:
        return None
    value = number_in(text)
    if not least <= value <= most:
        raise InvalidParameter(name, f"{quoted(text)} is no number from {least:g} to {most:g}")
    return value


def read_price(parameters: Parameters, name: str) -> Decimal | None:
    """An amount such as 19.99, of up to ten digits before the point; None where it is not given. Raises InvalidParameter."""
    text = read_one(parameters, name)
    if text is None:
        return None
    if not (text.isascii() and _PRICE.fullmatch(text)):
        raise InvalidParameter(name, f"{quoted(text)} is no price; write it like 19.99")
    return Decimal(text)


def read_truth(parameters: Parameters, name: str) -> bool | None:
    """true or false, also 1, 0, yes and no; None where it is not given. Raises InvalidParameter."""
    text = read_one(parameters, name)
    if text is None:
        return None
    if text.lower() not in _TRUTH:
        raise InvalidParameter(name, f"{quoted(text)} is neither true nor false")
    return _TRUTH[text.lower()]


def _check_text(name: str, value: str) -> None:
    """Raises InvalidParameter for what is no text: a value, or the name of an attribute."""
    if problem := text_problem(value):
        raise InvalidParameter(name, problem)
