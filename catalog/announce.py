"""Sends the signals of `catalog.signals`; those of several writes can be merged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

from catalog.signals import errand_asked as errand_asked_signal
from catalog.signals import feeds_due as feeds_due_signal
from catalog.signals import photos_awaited as photos_awaited_signal
from catalog.signals import photos_stored as photos_stored_signal
from catalog.signals import products_changed as products_changed_signal

Priority = Literal["upload", "import"]


@dataclass
class _Collected:
    priority: Priority
    stored: dict[int, None] = field(default_factory=dict)
    hidden: dict[int, bool] = field(default_factory=dict)


_collecting: ContextVar[_Collected | None] = ContextVar("announcements", default=None)


def photos_stored(image_ids: Iterable[int], *, priority: Priority = "upload") -> None:
    """Announce photos whose file is new or replaced. Call it inside the writing transaction."""
    ids = list(image_ids)
    collected = _collecting.get()
    if collected is not None:
        collected.stored.update(dict.fromkeys(ids))
    elif ids:
        photos_stored_signal.send(sender=None, image_ids=ids, priority=priority)


def photos_awaited(image_ids: Iterable[int]) -> None:
    """Announce photos by URL that a feed names again and that are still to be fetched."""
    if ids := list(image_ids):
        photos_awaited_signal.send(sender=None, image_ids=ids)


def feeds_due() -> None:
    """Announce that feeds are due since a person asked for them, and are not to wait for beat."""
    feeds_due_signal.send(sender=None)


def errand_asked() -> None:
    """Announce that a person asked for long work, which is not to wait for beat. Call it inside the writing transaction."""
    errand_asked_signal.send(sender=None)


def products_changed(product_ids: Iterable[int], *, hidden: bool) -> None:
    """Announce products that were written or deleted; `hidden`: answers given before may no longer be shown."""
    ids = list(product_ids)
    collected = _collecting.get()
    if collected is not None:
        for product_id in ids:
            collected.hidden[product_id] = hidden or collected.hidden.get(product_id, False)
    elif ids:
        products_changed_signal.send(sender=None, product_ids=ids, hidden=hidden)


@contextmanager
def together(*, priority: Priority = "upload") -> Iterator[None]:
    """Merge all announcements inside the block into at most three signals, sent at its end; none after an exception.

    Use it inside the transaction, so that what listeners write belongs to it. A nested block adds to the outer one.
    """
    if _collecting.get() is not None:
        yield
        return
    collected = _Collected(priority)
    token = _collecting.set(collected)
    try:
        yield
    finally:
        _collecting.reset(token)
    photos_stored(collected.stored, priority=priority)
    for hidden in (True, False):
        products_changed((key for key, value in collected.hidden.items() if value is hidden), hidden=hidden)
