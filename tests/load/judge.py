"""Whether an answer is that of the space it names.

The photos alone do not tell. Through the ANN index a place may go to another photo that is nearly as near, and to yet
another a moment later: the index hands out only a few candidates more than there are places, in the order of its own,
coarser distances and among equals in none; variants of one product take up several; how many are asked for follows what
was asked before. So:

- every place must be as far from the query as the named space says, which no page of another space is;
- a page that was asked for exactly must be the exact page, photo by photo;
- the pages through the index together must hold nearly all that the exact pages hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tests.load.storefront import Asked

LEAST_RECALL = 0.98  # what the ANN index is held to with its default parameters
# The API rounds to six digits. A photo that asks is encoded anew, where a product asks by a stored half-precision vector.
TOLERANCE, PHOTO_TOLERANCE = 1e-5, 5e-4


@dataclass(frozen=True)
class Truth:
    """What a space says of one query: the photos of its exact page in order, and by photo how far each one is."""

    page: tuple[int, ...]
    distances: Mapping[int, float]


Truths = Mapping[str, Mapping[str, Truth]]  # by space and by what the query is about (`Asked.about`)


def wrong(asked: Sequence[Asked], truths: Truths) -> list[str]:
    """What was no good answer: errors, empty or short pages, pages that are not of the space they name, poor recall."""
    found = Counter(one.wrong or fault(one, truths) for one in asked)
    sentences = [f"{count}×: {what}" for what, count in found.most_common() if what]
    if (reached := recall(asked, truths)) < LEAST_RECALL:
        sentences.append(f"answers through the index hold {reached:.4f} of what the exact ones hold")
    return sentences


def fault(one: Asked, truths: Truths) -> str:
    """Why a full answer is not what the space that it names answers; empty where it is."""
    named = f"an answer of space {one.space} about {one.about}"
    truth = truths.get(one.space, {}).get(one.about)
    if truth is None:
        return f"{named}: nothing is known of it"
    tolerance = TOLERANCE if one.about.startswith("product") else PHOTO_TOLERANCE
    for photo, distance in one.places:
        if abs(distance - truth.distances.get(photo, float("inf"))) > tolerance:
            return f"{named} is not what that space answers: photo {photo} is not at the distance {distance}"
    if one.exact and one.photos != truth.page:
        return f"{named} is not what that space answers: not {one.photos} but {truth.page}"
    return ""


def recall(asked: Sequence[Asked], truths: Truths) -> float:
    """Which share of the places of the exact pages the pages through the index hold."""
    held = places = 0
    for one in asked:
        truth = truths.get(one.space, {}).get(one.about)
        if truth is not None and not one.exact and one.about.startswith("product"):
            held += len(set(one.photos) & set(truth.page))
            places += len(truth.page)
    return held / places if places else 1.0


def unnoticed(asked: Sequence[Asked], truths: Truths) -> list[str]:
    """Good answers that would still pass under the name of the space before or after theirs: there must be none."""
    order = list(truths)
    neighbours = {name: [*order[max(0, at - 1) : at], *order[at + 1 : at + 2]] for at, name in enumerate(order)}
    passed = Counter(
        f"an answer of space {one.space} about {one.about} would pass for one of space {other}"
        for one in _good(asked, truths)
        for other in neighbours[one.space]
        if not fault(replace(one, space=other), truths)
    )
    return [f"{count}×: {what}" for what, count in passed.most_common()]


def _good(asked: Sequence[Asked], truths: Truths) -> Iterable[Asked]:
    return (one for one in asked if not one.wrong and not fault(one, truths))
