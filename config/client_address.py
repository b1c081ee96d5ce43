"""The address of whoever sent a request: for the access log and for counting failed log-ins."""

from __future__ import annotations

from collections.abc import Callable


def client_address(peer: str, header: Callable[[str], str | None]) -> str:
    """The caller's address. `peer`: the connection's other end. `header`: a header's value by its lower-case name, or None.

    No header is believed: the address is the connection's other end, which is a proxy's where there is one.
    """
    return peer
