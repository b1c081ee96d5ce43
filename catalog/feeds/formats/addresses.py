"""Feeds behind http(s) URLs, fetched to a temporary file by the rules of the photo fetcher."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from django.conf import settings

from catalog.feeds.rows import FeedError
from catalog.photos.fetch import FetchFailed, FetchRefused, PhotoFetcher


def is_address(source: str) -> bool:
    """Whether a source is a URL, of whatever scheme, and no path."""
    return "://" in source


def feed_fetcher() -> PhotoFetcher:
    """Public hosts only, redirects judged anew, one deadline for all, bytes bounded."""
    return PhotoFetcher(seconds=settings.FEED_FETCH_SECONDS, limit=settings.FEED_MAX_BYTES, noun="feed", accept="*/*")


@contextmanager
def fetched(url: str, fetcher: PhotoFetcher) -> Iterator[BinaryIO]:
    """What is behind a URL, in a file that is gone afterwards. Raises FeedError."""
    with tempfile.TemporaryFile(prefix="feed-") as file:
        try:
            fetcher.fetch_into(file, url)
        except (FetchRefused, FetchFailed) as error:
            raise FeedError(str(error)) from error
        file.seek(0)
        yield file
