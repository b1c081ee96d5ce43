"""Reads the members of a JSON object, and keeps what is wrong with each, so that a caller hears of all at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from unicodedata import normalize

from catalog.changes.refusals import MemberError
from catalog.currencies import codes
from catalog.feeds.columns import is_url
from catalog.feeds.sale_dates import read_moment
from catalog.parameters import MAX_ID, quoted
from catalog.texts import printable, text_problem
from catalog.writes.exact_json import WrittenNumber

LARGEST_PRICE = Decimal(10) ** 10
MOST_DECIMALS = 3
LARGEST_POSITION = 2**31 - 1
MAX_URL = 2000
_SHOWN = 100
_PRICE = re.compile(r"\d{1,10}(\.\d{1,30})?", re.ASCII)
_JSON_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,2})?", re.ASCII)
_WHOLE = re.compile(r"\d{1,19}", re.ASCII)

T = TypeVar("T")


class Members:
    """The members of an object. `at`: where the object is in the body, such as `items/3`; "" for the body itself."""

    def __init__(self, given: Mapping[str, Any], *, at: str = "") -> None:
        self.given = given
        self.at = at
        self.errors: list[MemberError] = []

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def place(self, *names: str | int) -> str:
        """Where a member is in this object (RFC 6901, without the first slash)."""
        return "/".join(_escaped(str(name)) for name in names)

    def pointer(self, *names: str | int) -> str:
        """Where a member is in the body."""
        return f"{self.at}/{self.place(*names)}" if self.at else self.place(*names)

    def wrong(self, detail: str, *names: str | int) -> None:
        """Keep an error of a member."""
        self.errors.append(MemberError(self.pointer(*names), detail))

    def read(self, name: str, read: Callable[[Any], T], default: T) -> T:
        """The member's value, `default` where it is not there or wrong; `read` raises ValueError with the reason."""
        if name not in self.given:
            return default
        try:
            return read(self.given[name])
        except ValueError as error:
            self.wrong(str(error), name)
            return default

    def refuse_unknown(self, known: tuple[str, ...]) -> None:
        """Keep an error for each member that is none of `known`: passed over, a misspelt one would change nothing unseen."""
        for name in self.given:
            if name not in known:
                self.wrong(f"there is no such member; there are {', '.join(known)}", name)


def _escaped(name: str) -> str:
    return printable(name)[:_SHOWN].replace("~", "~0").replace("/", "~1")


def shown(value: object) -> str:
    """A value as an error repeats it."""
    if isinstance(value, WrittenNumber):
        return str(value)[:_SHOWN]
    if isinstance(value, str):
        return quoted(printable(value[:_SHOWN]))
    if isinstance(value, (dict, list)):
        return "a list" if isinstance(value, list) else "an object"
    return "null" if value is None else str(value).lower()


def text_of(limit: int | None, *, needed: bool = False, as_written: bool = False) -> Callable[[Any], str]:
    """A reader of texts of at most `limit` characters, composed (NFC) and without blanks around them unless they are to stay
    `as_written`; null is the empty text unless one is `needed`.
    """

    def read(value: Any) -> str:
        if value is None and not needed:
            return ""
        if not isinstance(value, str) or isinstance(value, WrittenNumber):
            raise ValueError(f"{shown(value)} is no text")
        if problem := text_problem(value):
            raise ValueError(f"the text {problem}; leave it out")
        text = value.strip() if as_written else normalize("NFC", value.strip())
        if needed and not text:
            raise ValueError("may not be empty")
        if limit is not None and len(text) > limit:
            raise ValueError(f"{len(text)} characters, at most {limit}")
        return text

    return read


def truth(value: Any) -> bool:
    """Raises ValueError."""
    if not isinstance(value, bool):
        raise ValueError(f"{shown(value)} is neither true nor false")
    return value


def price(value: Any) -> Decimal | None:
    """An amount, as a text like "19.99" or a number, of at most three decimals; None of null. Raises ValueError."""
    if value is None:
        return None
    written = _JSON_NUMBER if isinstance(value, WrittenNumber) else _PRICE
    if not isinstance(value, str) or not written.fullmatch(value.strip()):
        raise ValueError(f'{shown(value)} is no price; write it like "19.99", or null for none')
    amount = Decimal(value.strip())
    if amount < 0:
        raise ValueError(f"{shown(value)} is negative")
    if amount >= LARGEST_PRICE:
        raise ValueError(f"{shown(value)} is too large; a price has at most ten digits before the point")
    if amount != round(amount, MOST_DECIMALS):
        raise ValueError(f"{shown(value)} has more than {MOST_DECIMALS} decimals")
    return round(amount, MOST_DECIMALS) + 0


def currency(value: Any) -> str:
    """A code of ISO 4217 in capitals; "" of null and the empty text. Raises ValueError."""
    text = text_of(None)(value)
    if text and text.upper() not in codes():
        raise ValueError(f"{shown(value)} is no currency; write its three letters, like EUR")
    return text.upper()


def moment(*, after: bool) -> Callable[[Any], datetime | None]:
    """A reader of moments such as `2026-11-27T08:00:00Z`; None of null. `after`: a date alone means the end of its day."""

    def read(value: Any) -> datetime | None:
        if value is None:
            return None
        text = text_of(100, needed=True)(value)
        found = read_moment(text, after=after)
        if found is None:
            raise ValueError(f"{shown(value)} is no date; write null for none")
        return found

    return read


def web_address(*, needed: bool = False) -> Callable[[Any], str]:
    """A reader of http(s) URLs."""

    def read(value: Any) -> str:
        text = text_of(None, needed=needed, as_written=True)(value)
        if text and not is_url(text):
            raise ValueError(f"{shown(value)} is no http(s) URL of at most {MAX_URL} characters")
        return text

    return read


def whole(most: int, what: str) -> Callable[[Any], int]:
    """A reader of whole numbers from 0 to `most`, called `what` in errors."""

    def read(value: Any) -> int:
        if not isinstance(value, WrittenNumber) or not _WHOLE.fullmatch(value) or int(value) > most:
            raise ValueError(f"{shown(value)} is no {what}")
        return int(value)

    return read


identity = whole(MAX_ID, "id")
place = whole(LARGEST_POSITION, f"whole number from 0 to {LARGEST_POSITION}")
