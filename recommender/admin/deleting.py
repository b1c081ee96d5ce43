"""Deleting in the admin what the recommender has derived rows from: those go along and are nobody's to permit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import NestedObjects, quote
from django.db import router
from django.db.models import Field, Model
from django.db.models.deletion import Collector
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.text import capfirst

from recommender.models import EmbeddingJob

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = admin.ModelAdmin

_DERIVED = EmbeddingJob._meta.app_label


class _Deleted(NestedObjects):
    """What goes with the objects. Derived rows are left as querysets in `fast_deletes`: a photo's features are kilobytes."""

    def can_fast_delete(self, objs: Any, from_field: Field[Any, Any] | None = None) -> bool:
        is_derived = isinstance(objs, type) and issubclass(objs, Model) and objs._meta.app_label == _DERIVED
        return is_derived and Collector.can_fast_delete(self, objs, from_field)


class DeletesDerivedRows(Base):
    """An admin of rows that jobs and features hang on.

    Whoever may delete such a row may delete it with what was computed from it, although the pages of jobs, encoders
    and spaces let nobody delete. The page that asks for confirmation counts the derived rows and lists the others.
    """

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """As Django's: nested texts of the objects, counts by name, names that the user may not delete, protected ones."""
        deleted = _Deleted(using=router.db_for_write(self.model), origin=objs)
        deleted.collect(objs)
        listed: dict[type[Model], set[Model]] = dict(deleted.model_objs)  # type: ignore[assignment]  # keyed by model, not by text
        counts = Counter({_name(model): len(rows) for model, rows in listed.items()})
        for derived in deleted.fast_deletes:
            counts[_name(derived.model)] += derived.count()
        needed = {
            str(model._meta.verbose_name)
            for model, rows in listed.items()
            if self.admin_site.is_registered(model) and not self._may_delete(request, rows)
        }
        return deleted.nested(self._described), +counts, needed, [self._described(row) for row in deleted.protected]

    def _may_delete(self, request: HttpRequest, rows: Iterable[Model]) -> bool:
        """By the admin of these rows, all of one model."""
        return all(self.admin_site.get_model_admin(type(row)).has_delete_permission(request, row) for row in rows)

    def _described(self, row: Model) -> str:
        """Its kind and name; a link where it has a page."""
        options = row._meta
        name = f"{self.admin_site.name}:{options.app_label}_{options.model_name}_change"
        try:
            url = reverse(name, args=[quote(row.pk)])
        except NoReverseMatch:
            return f"{capfirst(options.verbose_name)}: {row}"
        return format_html('{}: <a href="{}">{}</a>', capfirst(options.verbose_name), url, row)


def _name(model: type[Model]) -> str:
    return str(model._meta.verbose_name_plural)
