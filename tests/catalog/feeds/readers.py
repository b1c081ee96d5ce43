"""Reads small feeds as the importer does."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.feeds.expected import with_known_columns
from catalog.feeds.reading import open_feed
from catalog.feeds.rows import BadRow, FeedError, FeedRow

Values = dict[str, list[str]]


def read(folder: Path, content: str | bytes, name: str = "feed") -> tuple[list[Values], list[str], list[str]]:
    """The values of good rows, the places and reasons of bad ones, and the notices, of a file of this content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_feed(path) as feed:
        rows = list(with_known_columns(feed.rows))
        notices = [str(notice) for notice in feed.notices]
    good = [row.values for row in rows if isinstance(row, FeedRow)]
    return good, [f"{row.place}: {row.reason}" for row in rows if isinstance(row, BadRow)], notices


def values(folder: Path, content: str | bytes, name: str = "feed") -> list[Values]:
    """The values of a feed in which nothing is bad."""
    good, bad, _ = read(folder, content, name)
    assert bad == []
    return good


def refusal(folder: Path, content: str | bytes, name: str = "feed") -> str:
    """Why a file is no feed."""
    with pytest.raises(FeedError) as error:
        read(folder, content, name)
    return str(error.value)
