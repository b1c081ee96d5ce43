"""One error for a storage that is unreachable, read-only or full; its text names neither paths nor keys."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)


class StorageUnavailable(OSError):
    """The storage of photos cannot be used at this moment; the text says what failed and what to do."""


@contextmanager
def storage_errors(failed: str) -> Iterator[None]:
    """Turn errors of the storage inside the block into StorageUnavailable and log the cause.

    `failed` begins the text: "the photo could not be stored". FileNotFoundError is passed on: the storage works.
    """
    try:
        yield
    except (FileNotFoundError, StorageUnavailable):
        raise
    except Exception as error:  # storages elsewhere raise errors of their own kinds
        logger.warning("%s", failed, exc_info=error)
        raise StorageUnavailable(f"{failed}: {reason(error)}; try again, or tell whoever runs the shop") from error


def reason(error: Exception) -> str:
    """A storage's error in a few words, without the path or address that its own text may name."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
