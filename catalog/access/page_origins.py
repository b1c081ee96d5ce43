"""The origins that publishable keys are listed for: pages there may call the API from a browser."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db.models import Q
from django.utils import timezone

from catalog.access.admission import Undecided
from catalog.access.keys import KEPT_SECONDS
from catalog.models import ApiKey


class PageOrigins:
    """What a process knows of them, read anew after KEPT_SECONDS where Postgres may be asked. `clock`: seconds.

    A browser asks before the first call of a page (a preflight), which is answered in a thread, so an origin that was added is
    known by then. That one was removed may be noticed later: whether a key may be used there is decided by the key.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._read_at = float("-inf")
        self._origins: frozenset[str] = frozenset()

    def lists(self, origin: str, *, may_wait: bool) -> bool:
        """Whether a valid publishable key is listed for pages of this origin.

        Raises Undecided where nothing was read yet and may not be.
        """
        now = self._clock()
        if may_wait and now - self._read_at >= KEPT_SECONDS:
            self._origins, self._read_at = _read(), now
        if self._read_at == float("-inf"):
            raise Undecided
        return origin in self._origins


known = PageOrigins()


def _read() -> frozenset[str]:
    valid = ApiKey.objects.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)
    return frozenset(origin for origins in valid.values_list("origins", flat=True) for origin in origins)
