"""What one import names of its feed's products, and what becomes of those that it names no more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from django.conf import settings

from catalog.feeds import sources
from catalog.feeds.sources import Missing, Source


@dataclass
class Naming:
    """One import of the feed `name`. A dry run writes nothing and counts what would be written."""

    name: str
    dry_run: bool = False
    source: Source = field(init=False)
    _before: int = field(init=False)
    _only_here: int = field(init=False, default=0)

    def begin(self) -> None:
        """Raises SourceError."""
        self.source = sources.pretend(self.name) if self.dry_run else sources.begin(self.name)
        self._before = sources.published_products(self.source)

    def count(self, product_ids: Collection[int]) -> None:
        """In a dry run, products that a batch names."""
        self._only_here += sources.only_here(self.source, product_ids)

    def refused(self, sku: str) -> None:
        """A row that was refused names its product all the same."""
        ids = sources.skus_named(sku)
        if self.dry_run:
            self.count(ids)
        else:
            sources.name_products(self.source, dict.fromkeys(ids))

    def end(self, *, unpublish: bool, force: bool) -> int:
        """End an import that was read to its end. How many products were hidden, or would be: those named no more.

        Raises TooManyMissing where their share is too large; then nothing is hidden, and the feed counts as not read.
        """
        if not unpublish:
            if not self.dry_run:
                sources.end(self.source)
            return 0
        missing = Missing(self._missing(), self._before)
        if not force and missing.share > settings.FEED_MISSING_SHARE:
            raise TooManyMissing(missing)
        if self.dry_run:
            return missing.products
        sources.end(self.source)
        return sources.hide_missing(self.source)

    def _missing(self) -> int:
        if self.dry_run:
            return sources.only_here(self.source) - self._only_here
        return sources.no_longer_named(self.source)


class TooManyMissing(Exception):
    """So many products would be hidden that the feed is more likely not whole."""

    def __init__(self, missing: Missing) -> None:
        super().__init__(
            f"nothing was hidden: {missing.products} of {missing.of} products ({missing.share:.0%}) are in the feed no more,"
            f" and more than {settings.FEED_MISSING_SHARE:.0%} (FEED_MISSING_SHARE) is likely a feed that is not whole;"
            " look at it, and if they are to go, import again with --force"
        )
