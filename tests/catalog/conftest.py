"""What tests of the catalogue share: the announcements that were sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from catalog import signals


@dataclass
class Heard:
    """Signals in the order they were sent: image ids with their priority, product ids with `hidden`."""

    stored: list[tuple[list[int], str]] = field(default_factory=list)
    changed: list[tuple[list[int], bool]] = field(default_factory=list)

    def clear(self) -> None:
        self.stored.clear()
        self.changed.clear()


@pytest.fixture
def heard() -> Iterator[Heard]:
    heard = Heard()

    def stored(image_ids: list[int], priority: str, **_: Any) -> None:
        heard.stored.append((image_ids, priority))

    def changed(product_ids: list[int], hidden: bool, **_: Any) -> None:
        heard.changed.append((product_ids, hidden))

    signals.photos_stored.connect(stored)
    signals.products_changed.connect(changed)
    yield heard
    signals.photos_stored.disconnect(stored)
    signals.products_changed.disconnect(changed)
