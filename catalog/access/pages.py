"""The shop's own pages ask the API from a browser, and have no key: a cookie says that the browser has opened one of them.

It holds the hour in which it was given, signed with SECRET_KEY, and nothing else: it is the same for everybody who opened a page
in that hour. It is sent to this host alone and by its own pages alone (SameSite), so no other site's page can use it. Whoever
takes it out of a browser may read for a day what a publishable key may read.
"""

from __future__ import annotations

import time
from functools import lru_cache

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.http import HttpResponse

COOKIE = "lookalike_page"
VALID_HOURS = 24
_HOUR = 3600


def give_cookie(response: HttpResponse) -> None:
    """Let the scripts of a page ask the API, where that wants keys."""
    if settings.API_ACCESS != "keys":
        return
    response.set_cookie(
        COOKIE,
        current_cookie(),
        max_age=VALID_HOURS * _HOUR,
        path="/api/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def current_cookie() -> str:
    """The cookie of this hour."""
    return _signed(int(time.time()) // _HOUR, settings.SECRET_KEY)


def is_valid(cookie: str) -> bool:
    """Whether it was given here in the last VALID_HOURS."""
    hour = _hour_of(cookie, settings.SECRET_KEY) if cookie else None
    return hour is not None and 0 <= int(time.time()) // _HOUR - hour < VALID_HOURS


def _signer() -> Signer:
    return Signer(salt="catalog.access.pages")


@lru_cache(maxsize=4)
def _signed(hour: int, secret_key: str) -> str:
    return _signer().sign(str(hour))


@lru_cache(maxsize=256)
def _hour_of(cookie: str, secret_key: str) -> int | None:
    """The hour that was signed; None of what was not signed here."""
    try:
        return int(_signer().unsign(cookie))
    except (BadSignature, ValueError):
        return None
