"""What the doors of the API cost, and which are for everybody or for operators: settings.API_DOORS.

A token is what a cold answer of `similar/` takes. The dearer ones are in round figures by their median times beside it: a photo
is decoded and goes through the network (5), an explanation does so for two photos (10), a search for duplicates may decode many
(10), an exact search compares every photo of the catalogue (10), and a batch is one token for each five products (20).
"""

from __future__ import annotations

from catalog.access.doors import EXACT, MOST, Door

PRODUCTS_A_TOKEN = 5  # in a batch, whose searches share their round trips

DOORS = (
    Door("/similar/"),  # the commonest by far, and so the first
    Door("/search/image/", tokens=5, reads_by_post=True),
    Door("/recommendations/", reads_by_post=True),
    Door("/similar/batch/", reads_by_post=True),
    Door("/why/", tokens=10),
    Door("/duplicates/", tokens=10),
    Door("/api/v1/status/", for_operators=True),
    Door("/api/schema/", public=True),
    Door("/api/docs/", public=True),
)


def tokens_of_search(*, exact: bool, products: int = 1) -> int:
    """What a search by POST costs, by what its body asks for."""
    return min(MOST, max(-(-products // PRODUCTS_A_TOKEN), 1) * (EXACT if exact else 1))
