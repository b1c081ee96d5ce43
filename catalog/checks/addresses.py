"""Django checks, run before a command, a worker or the web server begins: addresses in settings that cannot be meant."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from catalog.origins import origin_of


@register()
def public_url_is_an_address(**_: Any) -> list[CheckMessage]:
    """PUBLIC_URL is empty or an address to which a path can be added."""
    given = settings.PUBLIC_URL
    if not given or _is_address(given):
        return []
    return [
        Error(
            f"PUBLIC_URL is {given!r}, and addresses in answers begin with it; write it like https://shop.example.com, or leave"
            " it out",
            id="catalog.E001",
        )
    ]


@register()
def origins_are_origins(**_: Any) -> list[CheckMessage]:
    """CORS_ORIGINS are written as browsers name origins, which are compared letter by letter."""
    return [
        Error(
            f"CORS_ORIGINS has {origin!r}, which no browser sends as an origin; write it like https://shop.example.com, in small"
            " letters, without a path, and with a port only where it is not the usual one",
            id="catalog.E002",
        )
        for origin in settings.CORS_ORIGINS
        if not _is_origin(origin)
    ]


def _is_address(text: str) -> bool:
    """An http(s) address of printable ASCII: a host, perhaps a port and a path, nothing else."""
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        return False
    plain = text.isascii() and text.isprintable() and not set(" \\\"'<>?#@") & set(text)
    return plain and url.scheme in ("http", "https") and bool(host)


def _is_origin(text: str) -> bool:
    try:
        return origin_of(text) == text
    except ValueError:
        return False
