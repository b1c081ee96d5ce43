"""Moments as feeds write them, and when a sale begins and ends: `2026-11-27T00:00+0100/2026-11-30`."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from catalog.texts import printable

_YEARS = range(1970, 9999)  # what every time zone can show
_NO_DATE = re.compile(r"0000-00-00(?:[ T]00:00(?::00)?)?")  # how MySQL writes that there is none


def read_interval(text: str) -> tuple[datetime | None, datetime | None]:
    """The first moment of a sale and the first one after it; None where a side is empty.

    Times without an offset are in TIME_ZONE. A date alone is that whole day, at either side. Raises ValueError.
    """
    if not text.strip():
        return None, None
    begin, slash, end = text.strip().partition("/")
    if not slash:
        raise ValueError(
            f"{_shown(text)} is no interval; write 2026-11-27/2026-11-30, or with times 2026-11-27T08:00+0100/…"
        )
    begins, ends = read_moment(begin), read_moment(end, after=True)
    if begins is not None and ends is not None and begins >= ends:
        raise ValueError(f"{_shown(text)} ends before it begins")
    return begins, ends


def read_moment(text: str, *, after: bool = False) -> datetime | None:
    """`2026-11-27` or `2026-11-27T08:00+0100`; None of an empty text. `after`: a date alone means the end of its day.

    Raises ValueError.
    """
    text = text.strip()
    if not text or _NO_DATE.fullmatch(text):
        return None
    try:
        if len(text) <= len("2026-11-27"):
            moment = datetime.combine(date.fromisoformat(text) + timedelta(days=after), time())
        else:
            moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise ValueError(f"{_shown(text)} is no date; write it like 2026-11-27 or 2026-11-27T08:00+0100") from None
    if moment.year not in _YEARS:
        raise ValueError(f"{_shown(text)} is too far away; leave out the side that has no date")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _shown(text: str) -> str:
    return repr(printable(text)[:60])
