"""The endpoints of the API as the decision about a request sees them: what a request to one costs, and who may send it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast
from urllib.parse import parse_qs

from django.conf import settings
from django.utils.module_loading import import_string

from catalog.access.admission import Asker
from catalog.models.access import LEAST_BURST

# Tokens: of most requests, of a search that compares every photo, of the dearest request.
PLAIN, EXACT, MOST = 1, 10, LEAST_BURST
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # methods that change nothing
_NO = {"false", "0", "no", ""}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Requests to the paths that `path` matches as a whole.

    `tokens`: what one takes of a bucket. `reads_by_post`: it changes nothing, though it is asked by POST. `public`: it holds
    nothing of the shop, and is for everybody. `for_operators`: it tells how the service is, which is for those who run it.
    """

    path: re.Pattern[str]
    tokens: int = PLAIN
    reads_by_post: bool = False
    public: bool = False
    for_operators: bool = False

    def reads(self, method: str) -> bool:
        """Whether a request of this method changes nothing."""
        return method in SAFE or (method == "POST" and self.reads_by_post)


_ANY = Endpoint(re.compile(""))


def endpoint_of(path: str) -> Endpoint:
    """The first one of `settings.API_ENDPOINTS`, the dotted path of a sequence of them, that has this path; else a plain one."""
    for endpoint in _endpoints(settings.API_ENDPOINTS):
        if endpoint.path.fullmatch(path):
            return endpoint
    return _ANY


@cache
def _endpoints(dotted_path: str) -> Sequence[Endpoint]:
    return cast(Sequence[Endpoint], import_string(dotted_path))


def tokens_of(asker: Asker, endpoint: Endpoint) -> int:
    """What a request costs, as far as its address says: what its body asks for is charged once that is read."""
    return max(endpoint.tokens, EXACT) if asker.query and _is_exact(asker.query) else endpoint.tokens


def _is_exact(query: str) -> bool:
    if "exact" not in query and "%" not in query:
        return False
    try:
        values = parse_qs(query, max_num_fields=200).get("exact", [])
    except ValueError:
        return True
    return any(value.strip().lower() not in _NO for value in values)
