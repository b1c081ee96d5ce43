"""Maps small feeds as the importer does."""

from __future__ import annotations

from pathlib import Path

from catalog.feeds.expected import with_known_columns
from catalog.feeds.mapping.applying import mapped
from catalog.feeds.mapping.shop import Context
from catalog.feeds.reading import open_feed
from catalog.feeds.rows import BadRow, FeedRow

Values = dict[str, list[str]]


def rows_of(folder: Path, content: str, name: str = "feed.csv", currency: str = "") -> tuple[list[Values], list[str]]:
    """The values of every row under our names, none of them bad, and the notices."""
    path = folder / name
    path.write_text(content, encoding="utf-8")
    with open_feed(path) as feed:
        rows = list(with_known_columns(mapped(feed.rows, Context(feed.again, feed.notices, currency))))
        notices = [str(notice) for notice in feed.notices]
    assert [row.reason for row in rows if isinstance(row, BadRow)] == []
    return [row.values for row in rows if isinstance(row, FeedRow)], notices


def photos(values: Values) -> list[str]:
    return values["image_link"] + values["additional_image_link"]
