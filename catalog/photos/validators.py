"""What a server says of a file so that a client can ask later whether it has changed (RFC 9110, section 8.8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_MOST = 500  # characters of a header that are worth remembering


@dataclass(frozen=True)
class Validators:
    """`ETag` and `Last-Modified` as written, "" where the server gives none, and the length in bytes if it tells."""

    etag: str = ""
    last_modified: str = ""
    length: int | None = None

    @classmethod
    def of(cls, header: Callable[[str], str | None], length: int | None) -> Validators:
        """Those of an answer. A header that could not be sent back, or is longer than any honest one, counts as none."""
        etag, last_modified = (_usable(header(name)) for name in ("ETag", "Last-Modified"))
        return cls(etag, last_modified, length)

    @property
    def conditions(self) -> dict[str, str]:
        """Headers of a request by which a server answers 304, without the file, where it has not changed."""
        conditions = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in conditions.items() if value}

    def confirmed_by(self, other: Validators) -> bool:
        """Whether an answer's headers alone show the same file: all that is known of both is equal, and something is."""
        ours, theirs = ((one.etag or None, one.last_modified or None, one.length) for one in (self, other))
        pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if a is not None and b is not None]
        return bool(pairs) and all(a == b for a, b in pairs)


NOTHING = Validators()


def _usable(value: str | None) -> str:
    text = (value or "").strip()
    return text if len(text) <= _MOST and text.isascii() and text.isprintable() else ""
