"""Asks for errands, and finds those that were asked for."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from catalog import announce
from catalog.models import Errand

# Of one kind about one row.
KEPT = 10


def ask(kind: str, *, about: str = "", options: Mapping[str, object] | None = None, by: int | None = None) -> Errand:
    """Have it done by a worker. One of the same kind, row and options that still waits is returned instead of a second one.

    `by`: the id of the user who asks.
    """
    wanted = dict(options or {})
    with transaction.atomic():
        waiting = Errand.objects.select_for_update(skip_locked=True)
        found = waiting.filter(kind=kind, about=about, options=wanted, state=Errand.State.WAITING).first()
        if found is None:
            found = Errand.objects.create(kind=kind, about=about, options=wanted, asked_by_id=by)
            over = [Errand.State.DONE, Errand.State.FAILED]
            old = Errand.objects.filter(kind=kind, about=about, state__in=over).values_list("pk", flat=True)[KEPT:]
            Errand.objects.filter(pk__in=list(old)).delete()
        announce.errand_asked()
    return found


def latest(kind: str, about: str = "") -> Errand | None:
    """The errand of a kind about a row that was asked for last."""
    return Errand.objects.filter(kind=kind, about=about).first()


def under_way(kind: str, about: str = "") -> Errand | None:
    """The last one of them, if it waits or runs."""
    found = latest(kind, about)
    return None if found is None or found.is_over else found
