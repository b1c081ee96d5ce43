"""What is wrong with a photo, for people and for programs."""

from __future__ import annotations

from typing import Literal

Reason = Literal["not_an_image", "unsupported", "truncated", "too_large", "bomb", "too_slow", "busy", "duplicate"]


class PhotoError(Exception):
    """A file that cannot be used as a photo. `reason` is a short code; the text says what is wrong and how to mend it."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason
