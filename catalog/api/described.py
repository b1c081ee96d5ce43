"""What views say of themselves for the OpenAPI schema, kept until somebody asks for the schema.

drf-spectacular's own decorator imports all that writes schemas, and Django's test client with that: five megabytes of every web
process, hardly one of which is ever asked for the schema.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Described = TypeVar("Described", bound=Callable[..., Any])

_waiting: list[tuple[Callable[..., Any], dict[str, Any]]] = []


def extend_schema(**said: Any) -> Callable[[Described], Described]:
    """Like the decorator of this name in drf_spectacular.utils, for methods of views."""

    def keep(method: Described) -> Described:
        _waiting.append((method, said))
        return method

    return keep


def tell() -> None:
    """Tell drf-spectacular all that was kept. Whoever generates the schema calls it; it may be called again."""
    from drf_spectacular.utils import extend_schema as describe

    while _waiting:
        method, said = _waiting.pop(0)
        describe(**said)(method)
