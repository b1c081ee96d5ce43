"""What a person reads of the edits of a row: when, by whom, and each value that changed, old and new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Field, ForeignKey, JSONField, Model
from django.utils import timezone

from catalog.edit_history import CHANGED, CREATED, kept_value, tracked_fields

SHOWN = 200  # entries of either kind
_TEXT = 300  # characters of a value
# The admin's own entry and the values that changed are written within one request.
_TOGETHER = timedelta(seconds=10)
_NOTHING = "–"
_SAID = {CREATED: "Created.", CHANGED: "Changed.", "-": "Deleted."}
_NOBODY = "Changed by imports or other programs up to then."


@dataclass(frozen=True)
class Difference:
    """One value that changed; `old` is empty for a row that was made."""

    what: str
    old: str
    new: str


@dataclass(frozen=True)
class Entry:
    """`who`: a user's name, or empty. `said`: in words, what was done."""

    when: datetime
    who: str
    said: str
    differences: tuple[Difference, ...] = ()


def timeline(model: type[Model], pk: int) -> list[Entry]:
    """The edits of a row, newest first: the admin's own entries, joined with the values that changed where those are kept."""
    edits = list(_edits(model, pk))
    kind = ContentType.objects.get_for_model(model)
    rows = LogEntry.objects.filter(content_type=kind, object_id=str(pk)).select_related("user")[:SHOWN]
    logged = [Entry(row.action_time, row.user.get_username(), _said(row)) for row in rows]
    return sorted(_joined(edits, logged), key=lambda entry: entry.when, reverse=True)[:SHOWN]


def _said(row: LogEntry) -> str:
    return row.get_change_message() or f"{row.get_action_flag_display()}."


def _joined(edits: list[Entry], logged: list[Entry]) -> list[Entry]:
    """Each edit with the words of the entry that was logged nearest to it, by the same user; and the other entries."""
    near = sorted(
        (abs(edit.when - log.when), one, other)
        for one, edit in enumerate(edits)
        for other, log in enumerate(logged)
        if edit.who == log.who and edit.who and abs(edit.when - log.when) <= _TOGETHER
    )
    words: dict[int, int] = {}
    for _, one, other in near:
        if one not in words and other not in words.values():
            words[one] = other
    joined = [replace(edit, said=logged[words[one]].said) if one in words else edit for one, edit in enumerate(edits)]
    return joined + [log for other, log in enumerate(logged) if other not in words.values()]


def _edits(model: type[Model], pk: int) -> Iterator[Entry]:
    history: Any = model.edits  # type: ignore[attr-defined]
    rows = list(history.filter(id=pk).select_related("history_user").order_by("-history_date", "-history_id")[:SHOWN])
    for row, before in zip_longest(rows, rows[1:]):
        differences = (
            tuple(_differences(model, before, row)) if before is not None and row.history_type == CHANGED else ()
        )
        if row.history_user is None and row.history_type == CHANGED:
            if differences:
                yield Entry(row.history_date, "", _NOBODY, differences)
            continue
        who = row.history_user.get_username() if row.history_user else ""
        yield Entry(row.history_date, who, _SAID[row.history_type], differences)


def _differences(model: type[Model], before: Any, after: Any) -> Iterator[Difference]:
    for field in tracked_fields(model):
        old, new = kept_value(field, before), kept_value(field, after)
        if old == new:
            continue
        name = str(field.verbose_name)
        if isinstance(field, JSONField) and isinstance(old, Mapping) and isinstance(new, Mapping):
            for key in sorted({*old, *new}, key=str):
                if old.get(key) != new.get(key):
                    yield Difference(str(key), shown_value(old.get(key)), shown_value(new.get(key)))
        elif isinstance(field, ForeignKey):
            yield Difference(name, _named(field, old), _named(field, new))
        elif field.choices:
            labels = dict(field.flatchoices)
            yield Difference(name, str(labels.get(old, old)), str(labels.get(new, new)))
        else:
            yield Difference(name, shown_value(old), shown_value(new))


def _named(field: Field[Any, Any], pk: object) -> str:
    if pk is None:
        return _NOTHING
    row = field.related_model._default_manager.filter(pk=pk).first()  # type: ignore[union-attr]
    return str(row) if row is not None else f"{field.verbose_name} {pk}, which is gone"


def shown_value(value: object) -> str:
    """A value as people read it; – for none."""
    if value is None or value == "" or value == []:
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime):
        return f"{timezone.localtime(value):%Y-%m-%d %H:%M}"
    if isinstance(value, list):
        return ", ".join(map(str, value))[:_TEXT]
    text = str(value)
    return text if len(text) <= _TEXT else f"{text[:_TEXT]}…"
