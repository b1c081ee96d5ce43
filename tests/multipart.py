"""A form as a browser sends it, for tests that talk to a server without Django's client."""

from __future__ import annotations

from collections.abc import Mapping

BOUNDARY = "a-boundary-that-no-photo-holds"


def multipart(
    *, fields: Mapping[str, str] | None = None, photos: Mapping[str, bytes] | None = None
) -> tuple[bytes, str]:
    """Body and content type of a form: texts by field name, and JPEG files by field name."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in (fields or {}).items()
    ]
    parts += [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="photo.jpg"\r\n'.encode()
        + b"Content-Type: image/jpeg\r\n\r\n"
        + photo
        + b"\r\n"
        for name, photo in (photos or {}).items()
    ]
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()]), f"multipart/form-data; boundary={BOUNDARY}"
