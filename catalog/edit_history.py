"""The history of rows that are edited by hand or by API, kept by django-simple-history.

A row of the history is written while an author is known (`edited_by`), and never else: imports, workers and commands write the
same tables and have reports of their own. So that the history shows what an edit changed, and not what an import changed before
it, an edit of a row that has changed since its last one also keeps how the row was just before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import F, FileField, Window
from django.db.models.functions import RowNumber
from django.db.models.signals import pre_save
from django.utils import timezone
from simple_history.models import HistoricalRecords

# Rows of the history that are kept of each edited row: those of a shop that sends every price by API each night stay bounded.
KEPT = 100
CREATED, CHANGED, DELETED = "+", "~", "-"
_BEFORE = "_before_edit"  # attribute of an instance that is being saved: the row as it was


@dataclass(frozen=True)
class _Author:
    """`user_id` is asked when there is something to write. `reason`: what the history says of how the edit came."""

    user_id: Callable[[], int | None]
    reason: str


@dataclass(frozen=True)
class Edit:
    """One row before and after; None: it was not there, or is not there any more."""

    before: models.Model | None
    after: models.Model | None


_author: ContextVar[_Author | None] = ContextVar("author of edits", default=None)


@contextmanager
def edited_by(user_id: Callable[[], int | None], reason: str = "") -> Iterator[None]:
    """What this thread writes inside the block is an edit of this user; `reason` stands in the history, such as the key's name."""
    token = _author.set(_Author(user_id, reason))
    try:
        yield
    finally:
        _author.reset(token)


@contextmanager
def recorded_already() -> Iterator[None]:
    """What this thread writes inside the block was given to `record` as a whole: its signals write nothing more."""
    token = _author.set(None)
    try:
        yield
    finally:
        _author.reset(token)


def edit_has_author() -> bool:
    """Whether what is written now goes into the history."""
    return _author.get() is not None


def record(edits: Iterable[Edit]) -> None:
    """Write edits of rows of one model into the history, in statements for all of them; nothing outside `edited_by`.

    For bulk writes, which send no signals. Call it in the transaction of what is written.
    """
    author = _author.get()
    changed = [edit for edit in edits if author is not None and not _is_same(edit.before, edit.after)]
    if author is None or not changed:
        return
    model = type(changed[0].before or changed[0].after)
    history: Any = model.edits.model  # type: ignore[union-attr]
    ids = [_id_of(edit) for edit in changed]
    last = {
        row.id: row
        for row in history.objects.filter(id__in=ids).order_by("id", "-history_date", "-history_id").distinct("id")
    }
    now = timezone.now()
    user_id = author.user_id()
    rows = []
    for edit in changed:
        if edit.before is not None and not _is_same(last.get(_id_of(edit)), edit.before):
            # Nobody's edit: how the row was, so that the next one can be compared with it.
            rows.append(_row(history, edit.before, CHANGED, now - timedelta(microseconds=1), None, ""))
        kind = CREATED if edit.before is None else DELETED if edit.after is None else CHANGED
        rows.append(_row(history, edit.after or edit.before, kind, now, user_id, author.reason))
    with transaction.atomic():
        history.objects.bulk_create(rows)
        _forget_old(history, [pk for pk in ids if pk in last])


class EditHistory(HistoricalRecords):
    """The history of a model, written by single saves and deletions inside `edited_by`; bulk writes call `record`."""

    def __init__(self, *, excluded_fields: list[str]) -> None:
        # The name of a key may be longer than the 100 characters that django-simple-history would keep of a reason.
        super().__init__(excluded_fields=excluded_fields, history_change_reason_field=models.TextField(null=True))

    def contribute_to_class(self, cls: type[models.Model], name: str) -> None:
        super().contribute_to_class(cls, name)
        pre_save.connect(self.pre_save, sender=cls, weak=False)

    def pre_save(self, instance: models.Model, raw: bool = False, **_: Any) -> None:
        """Keep how the stored row is."""
        if edit_has_author() and not raw and instance.pk is not None:
            setattr(instance, _BEFORE, type(instance)._default_manager.filter(pk=instance.pk).first())

    def post_save(self, instance: models.Model, created: bool, using: str | None = None, **signal: Any) -> None:
        """Write what a save changed."""
        before = instance.__dict__.pop(_BEFORE, None)
        if edit_has_author() and not signal.get("raw"):
            record([Edit(None if created else before, instance)])

    def pre_delete(self, instance: models.Model, **signal: Any) -> None:
        """Load fields that were deferred: they are needed after the deletion."""
        if edit_has_author():
            super().pre_delete(instance, **signal)

    def post_delete(self, instance: models.Model, using: str | None = None, **_: Any) -> None:
        """Write the deletion, with the row as it was."""
        record([Edit(instance, None)])


def tracked_fields(model: type[models.Model]) -> Sequence[models.Field[Any, Any]]:
    """The fields of a model whose values the history keeps."""
    fields: Sequence[models.Field[Any, Any]] = model.edits.model.tracked_fields  # type: ignore[attr-defined]
    return fields


def kept_value(field: models.Field[Any, Any], row: Any) -> Any:
    """A field's value, of a row of the model or of its history, so that both compare."""
    value = getattr(row, field.attname)
    return str(value or "") if isinstance(field, FileField) else value


def _is_same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    model = other if hasattr(type(other), "edits") else one
    return all(kept_value(field, one) == kept_value(field, other) for field in tracked_fields(type(model)))


def _id_of(edit: Edit) -> int:
    row: Any = edit.after or edit.before
    return int(row.id)


def _row(history: Any, row: Any, kind: str, moment: Any, user_id: int | None, reason: str) -> Any:
    values = {field.attname: kept_value(field, row) for field in history.tracked_fields}
    return history(
        **values, history_type=kind, history_date=moment, history_user_id=user_id, history_change_reason=reason or None
    )


def _forget_old(history: Any, ids: Sequence[int]) -> None:
    """Keep the newest rows of each edited row alone."""
    if not ids:
        return
    nth_newest = Window(RowNumber(), partition_by=F("id"), order_by=[F("history_date").desc(), F("history_id").desc()])
    placed = (
        history.objects.filter(id__in=ids).order_by().annotate(history_place=nth_newest).filter(history_place__gt=KEPT)
    )
    history.objects.filter(history_id__in=list(placed.values_list("history_id", flat=True))).delete()
