"""What a page shows of a search: cards, or in a shopper's words why there are none.

A list is a part of a page that scripts ask for again, by itself, when the shopper asks for something else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from catalog.parameters import InvalidParameter
from catalog.storefront.cards import Card, cards_of_alike
from catalog.storefront.port import Found, PhotoFault, PhotoRefused, SearchAway, SearchBusy
from catalog.storefront.wording import photo_fault

SHOWN = 24
PENDING_SECONDS = 2  # after which the page asks again for a photo that is being looked at
MOST_SECONDS = 30


@dataclass(frozen=True)
class Listed:
    """`cards`, or a notice: `title` and `text`. `again_after`: seconds after which there may be more to see, 0: not by itself.

    `color_weight`: how much colour counted, None where the shop cannot tell colours. `status`: of the answer.
    """

    cards: Sequence[Card] = ()
    title: str = ""
    text: str = ""
    again_after: int = 0
    color_weight: float | None = None
    filled: bool = False
    status: int = 200

    @property
    def color_percent(self) -> int:
        return round((self.color_weight or 0.0) * 100)


def listed(ask: Callable[[], Found], *, nothing: str) -> Listed:
    """The list of an answer. `nothing`: what to say where nothing was found."""
    try:
        return _of_answer(ask(), nothing)
    except SearchBusy as busy:
        text = gettext("Many shoppers are looking right now. We try again by ourselves.")
        seconds = min(max(busy.seconds, 1), MOST_SECONDS)
        return Listed(title=gettext("One moment"), text=text, again_after=seconds, status=503)
    except SearchAway:
        text = gettext("We cannot look for similar things right now. The rest of the shop works as ever.")
        return Listed(title=gettext("Please try again later"), text=text, status=503)
    except PhotoRefused as refused:
        return refusal(refused.fault)
    except InvalidParameter:
        text = gettext("Something you asked for is not right. Choose again.")
        return Listed(title=gettext("We did not understand that"), text=text, status=400)


def refusal(fault: PhotoFault) -> Listed:
    """Why a photo cannot be searched with."""
    title, text = photo_fault(fault)
    return Listed(title=title, text=text, status=422)


def part(request: HttpRequest, answer: Listed, **context: object) -> HttpResponse:
    """The list alone, for a script to put into its place. Search engines are not to keep it."""
    response = render(request, "catalog/list.html", {"list": answer, **context}, status=answer.status)
    response.headers["X-Robots-Tag"] = "noindex"
    if answer.again_after:
        response.headers["Retry-After"] = str(answer.again_after)
    return response


def _of_answer(found: Found, nothing: str) -> Listed:
    if found.status == "pending":
        text = gettext("The photo is new, and we are still looking at it. Similar things appear here in a moment.")
        return Listed(title=gettext("Almost there"), text=text, again_after=PENDING_SECONDS)
    if found.status == "failed":
        text = gettext("There is no photo that we could compare with others.")
        return Listed(title=gettext("Nothing to compare"), text=text)
    cards = cards_of_alike(found.results)
    if not cards:
        return Listed(title=gettext("Nothing similar"), text=nothing, color_weight=found.color_weight)
    return Listed(cards=cards, color_weight=found.color_weight, filled=found.filled)
