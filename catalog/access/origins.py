"""Origins whose pages may call the API from a browser (CORS), and read what it answers."""

from __future__ import annotations

import re
from typing import Any

from corsheaders.signals import check_request_enabled
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest


def allowed_origin(origin: str) -> bool:
    """Whether pages of this origin, as an `Origin` header names it, may call the API. Waits for nothing: it is asked on the
    server's event loop, too.
    """
    return origin in settings.CORS_ORIGINS


def cross_origin_headers(path: str, origin: str | None) -> list[tuple[str, str]]:
    """What django-cors-headers adds to an answer, for those that are given without Django."""
    if not re.match(settings.CORS_URLS_REGEX, path):
        return []
    headers = [("Vary", "origin")]
    if origin and allowed_origin(origin):
        headers.append(("Access-Control-Allow-Origin", origin))
        headers.append(("Access-Control-Expose-Headers", ", ".join(settings.CORS_EXPOSE_HEADERS)))
    return headers


@receiver(check_request_enabled)
def may_read(sender: object, request: HttpRequest, **kwargs: Any) -> bool:
    """For django-cors-headers, which asks about paths outside of the API, too."""
    if not re.match(settings.CORS_URLS_REGEX, request.path_info):
        return False
    return allowed_origin(request.headers.get("Origin", ""))
