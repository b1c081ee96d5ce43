"""`category=dress`: products of a category or of one below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from django.db import connection

from catalog.filters.base import Condition, Filter, Parameter
from catalog.filters.memory import remembered
from catalog.parameters import MAX_VALUES, InvalidParameter, Parameters, quoted, read_listed


@dataclass(frozen=True)
class Category(Filter):
    """`ids`: category ids, those of all descendants among them."""

    ids: tuple[int, ...]

    parameters = (
        Parameter(
            "category",
            {"type": "string"},
            "Slug of a category, its descendants included; several by repetition or comma.",
            many=True,
        ),
    )

    @classmethod
    def read(cls, parameters: Parameters) -> Self | None:
        slugs = read_listed(parameters, "category", most=MAX_VALUES)
        return cls(category_ids(slugs)) if slugs else None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return (Condition("{product}.category_id = ANY ({ids}::bigint[])", {"ids": list(self.ids)}),)


def category_ids(slugs: Sequence[str]) -> tuple[int, ...]:
    """The ids of categories and of all below them. Raises InvalidParameter for a slug that no category has."""
    return _read(tuple(slugs))


@remembered
def _read(slugs: tuple[str, ...]) -> tuple[int, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT named.slug, below.id FROM catalog_category named"
            " JOIN catalog_category below ON starts_with(below.path, named.path) WHERE named.slug = ANY (%s)"
            " ORDER BY below.path",
            [list(slugs)],
        )
        rows = cursor.fetchall()
    for slug in slugs:
        if not any(slug == found for found, _ in rows):
            raise InvalidParameter(
                "category", f"no category has the slug {quoted(slug)}; GET /api/v1/categories/ lists them"
            )
    return tuple(dict.fromkeys(category for _, category in rows))
