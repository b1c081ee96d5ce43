"""Products that are shown until a moment: hides them when it has come."""

from __future__ import annotations

import time
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from catalog import announce
from catalog.models import Product

BATCH = 500
SECONDS = 20.0  # a run ends after so long; the next one goes on


def hide_expired(*, now: datetime | None = None, seconds: float = SECONDS) -> int:
    """Hide the products whose time is over, in small batches; how many. Harmless at any time, in parallel."""
    moment = now or timezone.now()
    stops = time.monotonic() + seconds
    hidden = 0
    while time.monotonic() < stops and (batch := _hide_batch(moment)):
        hidden += batch
    return hidden


def _hide_batch(now: datetime) -> int:
    """Products that another process holds are left to the next run."""
    with transaction.atomic():
        due = Product.objects.filter(published=True, expires_at__lte=now).order_by()
        ids = list(due.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)[:BATCH])
        Product.objects.filter(pk__in=ids).update(published=False, updated_at=now)
        announce.products_changed(ids, hidden=True)
    return len(ids)
