"""Origins of web pages (RFC 6454): scheme, host and port, as browsers send them in `Origin`."""

from __future__ import annotations

from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = set("abcdefghijklmnopqrstuvwxyz0123456789.-")


def origin_of(text: str) -> str:
    """`https://shop.example` of an origin as somebody writes it: in lower case, without a default port or a last slash.

    Raises ValueError, with a sentence, for anything but http(s), a host and perhaps a port.
    """
    origin = page_origin(text.strip())
    written = text.strip().lower().removesuffix("/")
    if not origin or "@" in written or written.count("/") > 2 or "?" in written or "#" in written:
        raise ValueError(
            f"{text.strip()!r} is no origin; write scheme, host and perhaps a port, like https://shop.example"
        )
    return origin


def page_origin(address: str) -> str:
    """The origin of a page's address, such as a `Referer`; "" where it has none, as "null" has not."""
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return ""
    if parts.scheme not in _DEFAULT_PORTS or not host or not (set(host) <= _HOST or ":" in host):
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}")
