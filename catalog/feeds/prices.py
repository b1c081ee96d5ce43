"""Prices as feeds write them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property, lru_cache

from catalog.currencies import MOST_DIGITS, candidates, has_decimals, shown_digits
from catalog.feeds.rows import Notices, Number
from catalog.feeds.separators import MARKS, Evidence, Meaning, Reading, readings
from catalog.texts import printable

LARGEST = Decimal(10) ** 10
_LONGEST = 60
_EXAMPLE = "write it as 59.50 EUR"
_TOO_LARGE = "is too large; a price has at most ten digits before the point"
_NUMBER = r"\d(?:[\d.,' ]*\d)?"
# Digits with what stands before and behind them; `1.299,-` is a whole amount.
_PRICE = re.compile(
    rf"(?P<before>[^\d]*?)\s*(?P<number>{_NUMBER}|(?<![^\s])[.,]\d+)(?:\s?[.,:]\s?[-–—]{{1,2}})?\s*(?P<after>[^\d]*)"
)
_JSON_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?")
_NONE = {"n/a", "na", "n.a.", "none", "null", "nil", "nan", "-", "–", "—", "--", "#n/a"}
_APOSTROPHES = str.maketrans(dict.fromkeys("’ʼ`´", "'") | {"−": "-"})


@dataclass(frozen=True)
class Price:
    """An amount, None where the cell says that there is none, and its currency, empty where nothing names one."""

    amount: Decimal | None
    currency: str


NO_PRICE = Price(None, "")


@dataclass
class PriceReader:
    """Reads the prices of one feed.

    `currency`: what a price without one is in. `commonest`: the catalogue's commonest currency, asked for where a sign such as
    `$` has several. `evidence`: what the whole column says of points and commas, asked for at the first price that could be
    read in two ways, so a feed without any is read once. `notices` gets what was decided.
    """

    currency: str = ""
    commonest: Callable[[], str] = lambda: ""
    evidence: Callable[[], Evidence] = Evidence
    notices: Notices = field(default_factory=Notices)

    def read(self, text: str, *, beside: str = "", column: str = "price", place: str = "") -> Price:
        """A cell. `beside`: the currency that the row names elsewhere. Raises ValueError with the reason."""
        text, number = text.strip(), isinstance(text, Number)
        if not text:
            return NO_PRICE
        if number and _JSON_NUMBER.fullmatch(text):
            currency, value = self._code(beside), Decimal(text)
        else:
            digits, signs = _parts(text)
            if not digits:
                self.notices.decided(f"{column}: none", f"{column}: {_shown(text)} ({place}) was read as no price")
                return NO_PRICE
            currency = self._currency(signs, beside, text, column, place)
            value = self._value(digits, currency, text, column, place)
        if value < LARGEST and (rounded := self._rounded(value, currency, text, column, place)) < LARGEST:
            return Price(rounded, currency)
        raise ValueError(f"{_shown(text)} {_TOO_LARGE}")

    def minor_units(self, text: str, digits: str, currency: str) -> Price:
        """A whole number of cents, or of whatever part of the currency `digits` says. Raises ValueError."""
        if not (text.isascii() and text.isdigit() and len(text) <= 15):
            raise ValueError(f"{_shown(text)} is no whole number of the currency's smallest part")
        code = self._code(currency)
        places = digits or str(shown_digits(code) if has_decimals(code) else 0)
        if places not in "0123":
            raise ValueError(f"{_shown(text)} with {printable(places)[:9]} decimals; a price has at most {MOST_DIGITS}")
        value = Decimal(text).scaleb(-int(places))
        if value >= LARGEST:
            raise ValueError(f"{_shown(text)} {_TOO_LARGE}")
        return Price(value, code)

    @cached_property
    def _commonest(self) -> str:
        """Asked once, for it may change while the feed goes in."""
        return self.commonest()

    @cached_property
    def _evidence(self) -> Evidence:
        return self.evidence()

    def _value(self, digits: str, currency: str, text: str, column: str, place: str) -> Decimal:
        ways = readings(digits)
        if not ways:
            raise ValueError(f"{_shown(text)} is no price; {_EXAMPLE}")
        return ways[0].value if len(ways) == 1 else self._decided(ways, currency, text, column, place)

    def _decided(self, ways: tuple[Reading, ...], currency: str, text: str, column: str, place: str) -> Decimal:
        """`1.299` is 1299 or 1.299: by the column, else by whether the currency has three decimals, as dinars have.

        A currency without decimals, such as yen, has thousands whatever the column says.
        """
        with_decimals, with_thousands = ways
        mark = next(mark for mark in MARKS if mark == with_decimals.decimal)
        column_says = self._evidence.meaning(mark)
        by_currency: Meaning = "decimals" if shown_digits(currency) == MOST_DIGITS else "thousands"
        meaning = by_currency if column_says is None or (currency and not has_decimals(currency)) else column_says
        chosen = with_decimals if meaning == "decimals" else with_thousands
        if meaning != column_says:
            why = "the column does not say what {!r} means" if column_says is None else f"{currency} has no decimals"
            self.notices.decided(
                f"{column}: {mark} {meaning}",
                f"{column}: {_shown(text)} ({place}) was read as {chosen.value}, for {why.format(mark)}",
            )
        return chosen.value

    def _rounded(self, value: Decimal, currency: str, text: str, column: str, place: str) -> Decimal:
        digits = shown_digits(currency)
        rounded = value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
        if rounded != value:
            self.notices.decided(
                f"{column}: rounded",
                f"{column}: {_shown(text)} ({place}) was rounded to {rounded}: prices{f' in {currency}' if currency else ''} have {digits} decimals",
            )
        return rounded

    def _currency(self, signs: tuple[str, ...], beside: str, text: str, column: str, place: str) -> str:
        """The currency that the cell names, else the one beside it, else the feed's."""
        if not signs:
            return self._code(beside)
        meant: tuple[str, ...] | None = None
        for sign in signs:
            found = candidates(sign)
            if not found:
                raise ValueError(
                    f"{_shown(text)}: {sign!r} is no currency; write one price, with three letters: 59.50 EUR"
                )
            meant = found if meant is None else tuple(code for code in meant if code in found)
        if not meant:
            raise ValueError(f"{_shown(text)} names two currencies; {_EXAMPLE}")
        if len(meant) == 1:
            return meant[0]
        for hint in (beside.strip().upper(), self.currency, self._commonest):
            if hint in meant:
                return hint
        sign = signs[0]
        self.notices.decided(
            f"{column}: {sign}",
            f"{column}: {sign!r} ({place}) was read as {meant[0]}; --currency says which of {', '.join(sorted(meant))} it is",
        )
        return meant[0]

    def _code(self, beside: str) -> str:
        """The currency that a row names beside its price, else the feed's. Raises ValueError."""
        if not beside.strip():
            return self.currency
        meant = candidates(beside.strip())
        if not meant:
            raise ValueError(f"{_shown(beside)} is no currency; write its three letters, like EUR")
        if len(meant) == 1:
            return meant[0]
        return next((hint for hint in (self.currency, self._commonest) if hint in meant), meant[0])


def survey(texts: Iterable[str]) -> Evidence:
    """What the prices of a column say of points and commas. Those that cannot be read say nothing."""
    found = Evidence()
    for text in texts:
        if isinstance(text, Number):
            continue
        try:
            number, _ = _parts(text.strip())
        except ValueError:
            continue
        found.add(number)
    return found


@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[str, tuple[str, ...]]:
    """The digits with their marks, empty for words that say there is no price; the currency signs around them.

    Raises ValueError.
    """
    plain = _plain(text)
    if plain.lower() in _NONE:
        return "", ()
    match = _PRICE.fullmatch(plain) if len(text) <= _LONGEST else None
    if match is None:
        raise ValueError(f"{_shown(text)} is no price; {_EXAMPLE}")
    if any("-" in match[side] or "+" in match[side] for side in ("before", "after")):
        negative = match["before"].strip().startswith("-")
        raise ValueError(f"{_shown(text)} {'is negative' if negative else 'has a sign'}; {_EXAMPLE}")
    before, after = (match[side].strip(" :") for side in ("before", "after"))
    if len(before) == len(after) == 3 and candidates(before) and before.upper() == after.upper():
        raise ValueError(f"{_shown(text)} is no price; {_EXAMPLE}")
    return re.sub(r"^(?=[.,])", "0", match["number"]), tuple(filter(None, (before, after)))


def _plain(text: str) -> str:
    """Digits of every script as 0 to 9, blanks of every width as one blank, one apostrophe; no marks of direction."""
    plain = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES)
    plain = "".join(
        str(unicodedata.decimal(char)) if char.isdecimal() else char
        for char in plain
        if unicodedata.category(char) != "Cf"
    )
    return " ".join(plain.split())


def _shown(text: str) -> str:
    return repr(printable(text)[:_LONGEST])
