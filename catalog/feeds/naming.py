"""What one import names of its feed's products, and what becomes of those that it names no more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from django.conf import settings

from catalog.feeds import sources
from catalog.feeds.sources import Missing, Source
from catalog.identifiers import canonical_sku
from catalog.texts import text_problem


@dataclass
class Naming:
    """One import of the feed `name`. A dry run writes nothing and counts what would be written.

    `cut_off`: the feed ended before its time.
    """

    name: str
    dry_run: bool = False
    source: Source = field(init=False)
    cut_off: bool = field(init=False, default=False)
    _unknown: int = field(init=False, default=0)
    _first_unknown: str = field(init=False, default="")
    _before: int = field(init=False)
    _only_here: int = field(init=False, default=0)

    def begin(self) -> None:
        """Raises SourceError."""
        self.source = sources.pretend(self.name) if self.dry_run else sources.begin(self.name)
        self._before = sources.published_products(self.source)

    def count(self, product_ids: Collection[int]) -> None:
        """In a dry run, products that a batch names."""
        self._only_here += sources.only_here(self.source, product_ids)

    def unread(self, place: str, sku: str = "", *, cut_off: bool = False) -> None:
        """A row that cannot be read names its product all the same, where its id can be; else that may be any product."""
        self.cut_off = self.cut_off or cut_off
        if not sku or text_problem(sku) or not self.refused(canonical_sku(sku)):
            self._unknown += 1
            self._first_unknown = self._first_unknown or place

    def refused(self, sku: str) -> bool:
        """A row that was refused names its product all the same; whether there is one."""
        ids = sources.skus_named(sku)
        if self.dry_run:
            self.count(ids)
        else:
            sources.name_products(self.source, dict.fromkeys(ids))
        return bool(ids)

    def end(self, *, unpublish: bool, force: bool) -> int:
        """End an import that came to its end. How many products were hidden, or would be: those named no more.

        Raises NothingHidden where it is not known of every row which product it names, or the share of those that would be
        hidden is too large; then the feed counts as not read.
        """
        if self.cut_off or self._unknown:
            if unpublish:
                raise NothingHidden(self._why_unknown())
            return 0
        if not unpublish:
            if not self.dry_run:
                sources.end(self.source)
            return 0
        missing = Missing(self._missing(), self._before)
        if not force and missing.share > settings.FEED_MISSING_SHARE:
            raise NothingHidden(_too_many(missing))
        if self.dry_run:
            return missing.products
        sources.end(self.source)
        return sources.hide_missing(self.source)

    def _why_unknown(self) -> str:
        if self.cut_off:
            return "nothing was hidden: the feed breaks off, so what it names is not known"
        rows = "a row" if self._unknown == 1 else f"{self._unknown:,} rows, the first"
        return f"nothing was hidden: which product {rows} ({self._first_unknown}) names cannot be read; correct that and import again"

    def _missing(self) -> int:
        if self.dry_run:
            return sources.only_here(self.source) - self._only_here
        return sources.no_longer_named(self.source)


class NothingHidden(Exception):
    """What the feed names no more stays shown, as the feed is likely not whole; the text says why and what to do."""


def _too_many(missing: Missing) -> str:
    return (
        f"nothing was hidden: {missing.products} of {missing.of} products ({missing.share:.0%}) are in the feed no more,"
        f" and more than {settings.FEED_MISSING_SHARE:.0%} (FEED_MISSING_SHARE) is likely a feed that is not whole;"
        " look at it, and if they are to go, import again with --force, or choose so for the feed in the admin"
    )
