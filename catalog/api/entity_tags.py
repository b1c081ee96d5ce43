"""The entity tag of an answer on a product: by what comes before the point a writer knows its version."""

from __future__ import annotations

from hashlib import blake2b


def entity_tag(version: str, body: bytes) -> str:
    """`"12-1764412345678901.9f86d081884c7d65"`: the product's version (catalog.changes.versions) and a digest of the answer.

    The answer may differ where the version does not: a worker has stored a photo, or the category has another name.
    """
    return f'"{version}.{blake2b(body, digest_size=8).hexdigest()}"'
