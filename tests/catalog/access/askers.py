"""Requests as the decision sees them, and keys to send with them."""

from __future__ import annotations

from typing import Any

from catalog.access.admission import Asker
from catalog.access.issuing import create_key

SIMILAR = "/api/v1/products/1/similar/"
STATUS = "/api/v1/status/"


def asker(
    path: str = SIMILAR,
    method: str = "GET",
    *,
    address: str = "192.0.2.7",
    query: str = "",
    may_wait: bool = True,
    **headers: str,
) -> Asker:
    """`headers`: with underscores for hyphens."""
    sent = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return Asker(method, path, address, sent.get, query, may_wait)


def publishable(*origins: str, **fields: Any) -> str:
    """A new publishable key."""
    return create_key(name="page", kind="publishable", origins=origins, **fields).token


def secret(**fields: Any) -> str:
    """A new secret key."""
    return create_key(name="build", kind="secret", **fields).token


def bearer(token: str) -> dict[str, str]:
    """The header that carries a key."""
    return {"Authorization": f"Bearer {token}"}
