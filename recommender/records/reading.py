"""Reading the JSON of a row into a record: every value by its key and kind, and what is malformed named.

A reader is a function from a value, as JSON gives it, to a typed one; it raises `Wrong` for any other value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, TypeVar

T = TypeVar("T")
Reader = Callable[[object], T]

_SHOWN = 60  # characters of a malformed value that an error repeats


class MalformedRecord(ValueError):
    """A row's JSON is not what any version of the product writes; the text names the row, the key and what is wrong."""


class Wrong(ValueError):
    """A value is not of the kind that a reader takes; `keys` lead to it from the value that was read."""

    def __init__(self, needed: str, value: object, *keys: str) -> None:
        super().__init__(f"{needed} is needed, not {repr(value)[:_SHOWN]}")
        self.keys_to_it = keys

    def within(self, key: str) -> Wrong:
        """The same, seen from the object that holds the value under `key`."""
        self.keys_to_it = (key, *self.keys_to_it)
        return self


class Interval(NamedTuple):
    """A mean and its 95 % interval. `low` and `high` are NaN where a row has the mean alone."""

    low: float
    mean: float
    high: float

    def as_json(self) -> list[float] | float:
        """[low, mean, high], or the mean alone."""
        return self.mean if math.isnan(self.low) else list(self)


class JsonObject:
    """A JSON object that is read key by key. `rest`: the keys that nobody asked for, with their values."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise Wrong("an object", value)
        self.rest: dict[str, object] = dict(value)

    def need(self, key: str, read: Reader[T]) -> T:
        """The value of a key that every version writes. Raises Wrong."""
        try:
            if key not in self.rest:
                raise Wrong("a value", None)
            return read(self.rest.pop(key))
        except Wrong as error:
            raise error.within(key) from None

    def may(self, key: str, read: Reader[T]) -> T | None:
        """The value of a key; None where it is missing or null. Raises Wrong."""
        if self.rest.get(key) is None:
            self.rest.pop(key, None)
            return None
        return self.need(key, read)


def whole(value: object) -> int:
    """A whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Wrong("a whole number", value)


def number(value: object) -> float:
    """A number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise Wrong("a number", value)


def flag(value: object) -> bool:
    """true or false."""
    if isinstance(value, bool):
        return value
    raise Wrong("true or false", value)


def text(value: object) -> str:
    """A text."""
    if isinstance(value, str):
        return value
    raise Wrong("a text", value)


def moment(value: object) -> datetime:
    """A date and time in ISO 8601."""
    try:
        return datetime.fromisoformat(text(value))
    except ValueError:
        raise Wrong("a date and time in ISO 8601", value) from None


def interval(value: object) -> Interval:
    """[low, mean, high]; or a mean alone, as the product's first version kept the figures of a class."""
    if isinstance(value, list):
        if len(value) != 3:
            raise Wrong("[low, mean, high]", value)
        return Interval(*map(number, value))
    return Interval(math.nan, number(value), math.nan)


def many(read: Reader[T]) -> Reader[tuple[T, ...]]:
    """The reader of a list whose every value `read` takes."""

    def read_list(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise Wrong("a list", value)
        return tuple(map(read, value))

    return read_list


def by_name(read: Reader[T]) -> Reader[dict[str, T]]:
    """The reader of an object whose every value `read` takes, whatever its keys are."""

    def read_object(value: object) -> dict[str, T]:
        given = JsonObject(value)
        return {key: given.need(key, read) for key in list(given.rest)}

    return read_object


def read_record(read: Reader[T], value: object, *, place: str, remedy: str) -> T:
    """What `read` makes of a row's JSON. Raises MalformedRecord: what is wrong at which key of `place`, and `remedy`."""
    try:
        return read(value)
    except Wrong as error:
        key = f", key {'.'.join(error.keys_to_it)}" if error.keys_to_it else ""
        raise MalformedRecord(f"{place}{key}: {error}; {remedy}") from None
