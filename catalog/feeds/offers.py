"""Whether a row shows or hides its product: `published`, `status`, `removed` and `expiration_date`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from django.utils import timezone

from catalog.feeds.offer_words import says_removed, shows
from catalog.feeds.sale_dates import read_moment
from catalog.texts import printable

KEYS = ("published", "status", "removed", "expiration_date")
_SHOWN = 60


class Offer(Enum):
    """What a row says of its product's being shown. UNSAID: its columns for it are there and empty."""

    SHOWN = "shown"
    HIDDEN = "hidden"
    UNSAID = "unsaid"


@dataclass(frozen=True)
class OfferCells:
    """`offer`: None where the row says nothing. `expires_at`: what `expiration_date` gives; `dated`: whether it gives that.

    `unknown`: the columns whose word neither hides nor shows a product.
    """

    offer: Offer | None = None
    expires_at: datetime | None = None
    dated: bool = False
    unknown: tuple[str, ...] = ()


def read_offer(known: Mapping[str, Sequence[str]], tell: Callable[[str], None]) -> OfferCells:
    """One word that hides is enough, whatever the other columns say. A date that cannot be read is told of and says nothing.

    A word that is not known says nothing either: `status` may be a condition or a stock in feeds of other shapes.
    """
    said: list[bool] = []
    unknown: list[str] = []
    readable = True
    expires_at: datetime | None = None
    dated = False
    for key in KEYS:
        if key not in known:
            continue
        text = known[key][0] if known[key] else ""
        try:
            if key == "expiration_date":
                expires_at = read_moment(text, after=True)
                dated = True
                said.extend([False] if expires_at is not None and expires_at <= timezone.now() else [])
            elif text:
                if (word := _READERS[key](text)) is None:
                    unknown.append(key)
                else:
                    said.append(word)
        except ValueError as error:
            tell(f"{key}: {error}")
            readable = False
    if False in said:
        offer: Offer | None = Offer.HIDDEN
    elif unknown or not readable or not any(key in known for key in KEYS):
        offer = None
    else:
        offer = Offer.SHOWN if said else Offer.UNSAID
    return OfferCells(offer, expires_at, dated, tuple(unknown))


def unknown_word(key: str, text: str, place: str) -> str:
    """The sentence for a word that neither hides nor shows a product."""
    return (
        f"{key}: {printable(text)[:_SHOWN]!r} ({place}) neither shows nor hides a product, as {_EXAMPLES[key]} would, and was kept"
        " as an attribute"
    )


def _published(text: str) -> bool | None:
    word = shows(text)
    if word is None and _is_moment(text):  # when it was published, or is to be
        moment = read_moment(text)
        return moment is not None and moment <= timezone.now()
    return word


def _not_removed(text: str) -> bool | None:
    word = says_removed(text)
    if word is not None:
        return not word
    return False if _is_moment(text) else None  # when it was removed


def _is_moment(text: str) -> bool:
    try:
        return read_moment(text) is not None
    except ValueError:
        return False


_EXAMPLES = {"published": "false", "status": "draft or archived", "removed": "true"}
_READERS: Mapping[str, Callable[[str], bool | None]] = {
    "published": _published,
    "status": shows,
    "removed": _not_removed,
}
