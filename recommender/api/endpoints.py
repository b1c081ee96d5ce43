"""What the endpoints of the API cost, and which are for everybody or for operators: settings.API_ENDPOINTS.

A token is what a cold answer of `similar/` takes. The dearer ones are in round figures by their median times beside it: a photo
is decoded and goes through the network (5), an explanation does so for two photos (10), a search for duplicates may decode many
(10), an exact search compares every photo of the catalogue (10), and a batch is one token for each five products (20). A photo that
is written is decoded, too (5).
"""

from __future__ import annotations

import re

from catalog.access.endpoints import EXACT, MOST, Endpoint

PRODUCTS_A_TOKEN = 5  # in a batch, whose searches share their round trips

ENDPOINTS = (
    Endpoint(re.compile(r"/api/v1/products/[^/]+/similar/")),  # the commonest by far, and so the first
    Endpoint(re.compile(r"/api/v1/search/image/"), tokens=5, reads_by_post=True),
    Endpoint(re.compile(r"/api/v1/recommendations/"), reads_by_post=True),
    Endpoint(re.compile(r"/api/v1/similar/batch/"), reads_by_post=True),
    Endpoint(re.compile(r"/api/v1/products/.+/(why|duplicates)/", re.DOTALL), tokens=10),
    Endpoint(re.compile(r"/api/v1/products/.+/images/(\d+/)?", re.DOTALL), tokens=5),
    Endpoint(re.compile(r"/api/v1/status/"), for_operators=True),
    Endpoint(re.compile(r"/api/(schema|docs)/"), public=True),
)


def tokens_of_search(*, exact: bool, products: int = 1) -> int:
    """What a search by POST costs, by what its body asks for."""
    return min(MOST, max(-(-products // PRODUCTS_A_TOKEN), 1) * (EXACT if exact else 1))
