"""Origins whose pages may call the API from a browser (CORS), and read what it answers."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from corsheaders.signals import check_request_enabled
from django.conf import settings
from django.db import Error
from django.dispatch import receiver
from django.http import HttpRequest

from catalog.access.admission import Undecided
from catalog.access.page_origins import known


def allowed_origin(origin: str, *, may_wait: bool) -> bool:
    """Whether pages of this origin, as an `Origin` header names it, may call the API: one of CORS_ORIGINS, or of a key's.

    `may_wait`: whether Postgres may be asked, as on an event loop it may not. Raises Undecided where it would have to be.
    """
    return origin in settings.CORS_ORIGINS or known.lists(origin, may_wait=may_wait)


def cross_origin_headers(path: str, origin: str | None) -> list[tuple[str, str]]:
    """What django-cors-headers adds to an answer, for those that are given without Django, on the server's event loop."""
    if not re.match(settings.CORS_URLS_REGEX, path):
        return []
    headers = [("Vary", "origin")]
    if origin and _as_far_as_known(origin):
        headers.append(("Access-Control-Allow-Origin", origin))
        headers.append(("Access-Control-Expose-Headers", ", ".join(settings.CORS_EXPOSE_HEADERS)))
    return headers


@receiver(check_request_enabled)
def may_read(sender: object, request: HttpRequest, **kwargs: Any) -> bool:
    """For django-cors-headers, which asks about paths outside of the API, too."""
    origin = request.headers.get("Origin", "")
    if not origin or not re.match(settings.CORS_URLS_REGEX, request.path_info):
        return False
    try:
        return allowed_origin(origin, may_wait=not _on_event_loop())
    except (Error, Undecided):  # without Postgres the answer is likely an error, which pages should be able to read
        return _as_far_as_known(origin)


def _as_far_as_known(origin: str) -> bool:
    try:
        return allowed_origin(origin, may_wait=False)
    except Undecided:
        return False


def _on_event_loop() -> bool:
    """Whether this is the server's own thread, in which middleware runs around answers from Redis."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
