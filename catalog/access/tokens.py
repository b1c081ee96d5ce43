"""Keys of the API as callers send them: `lk_pub_` or `lk_sec_`, and 32 random bytes in base64."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping

from catalog.models import ApiKey

_BEGINNINGS: Mapping[str, str] = {ApiKey.Kind.PUBLISHABLE: "lk_pub_", ApiKey.Kind.SECRET: "lk_sec_"}
_BYTES = 32
_SHOWN = 6  # characters of the random part by which people tell keys apart
_OURS = tuple(_BEGINNINGS.values())
_BEARER = re.compile(r"bearer\s+(.+)", re.ASCII | re.IGNORECASE)


def new_token(kind: str) -> str:
    """A new key of a kind."""
    return _BEGINNINGS[kind] + secrets.token_urlsafe(_BYTES)


def digest_of(token: str) -> str:
    """The hash under which a key is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def prefix_of(token: str) -> str:
    """The part of a key that is shown for good."""
    return token[: len(_OURS[0]) + _SHOWN]


def token_of(header: Callable[[str], str | None]) -> str:
    """The key that a request carries, or "": in `Authorization: Bearer`, or in `X-Api-Key`, where that has none.

    Only what begins as our keys do is one: a proxy may ask for a password in `Authorization`, or for a key of its own. What
    follows in the same header, as of a caller who sends it twice, belongs to it, so that it is refused as no key that there is
    instead of passed over.
    """
    sent = header("authorization")
    if sent and (match := _BEARER.match(sent)) and match[1].startswith(_OURS):
        return match[1].rstrip()
    sent = (header("x-api-key") or "").strip()
    return sent if sent.startswith(_OURS) else ""
