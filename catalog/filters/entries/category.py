"""`category=dress`: products of a category or of one below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from django.db import connection

from catalog.filters.base import Condition, Filter, Parameter
from catalog.filters.memory import remembered
from catalog.parameters import MAX_VALUES, InvalidParameter, Parameters, quoted, read_listed

_SHOWN = "{product}.category_id = ANY ({ids}::bigint[])"
_SHOWN_OR_FURTHER = """(
    {product}.category_id = ANY ({ids}::bigint[]) OR EXISTS (
        SELECT FROM catalog_productcategory f WHERE f.product_id = {product}.id AND f.category_id = ANY ({ids}::bigint[])
    )
)"""
_LISTED = """{product}.id IN (
    SELECT shown.id FROM catalog_product shown WHERE shown.category_id = ANY ({ids}::bigint[])
    UNION SELECT f.product_id FROM catalog_productcategory f WHERE f.category_id = ANY ({ids}::bigint[])
)"""


@dataclass(frozen=True)
class Category(Filter):
    """`ids`: category ids, those of all descendants among them. `further`: whether products have one of them besides the
    category that is shown; where none has, the condition is simpler and an index alone answers it.
    """

    ids: tuple[int, ...]
    further: bool = False

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
        return cls(*_read(tuple(slugs))) if slugs else None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        values = {"ids": list(self.ids)}
        if self.further:
            return (Condition(_SHOWN_OR_FURTHER, values, where_few=_LISTED),)
        return (Condition(_SHOWN, values),)


@remembered
def _read(slugs: tuple[str, ...]) -> tuple[tuple[int, ...], bool]:
    """The ids of categories and of all below them, and whether products have one of them besides the category that is shown.

    Raises InvalidParameter for a slug that no category has.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT named.slug, below.id,"
            " EXISTS (SELECT FROM catalog_productcategory f WHERE f.category_id = below.id) FROM catalog_category named"
            " JOIN catalog_category below ON starts_with(below.path, named.path) WHERE named.slug = ANY (%s)"
            " ORDER BY below.path",
            [list(slugs)],
        )
        rows = cursor.fetchall()
    for slug in slugs:
        if not any(slug == found for found, _, _ in rows):
            raise InvalidParameter(
                "category", f"no category has the slug {quoted(slug)}; GET /api/v1/categories/ lists them"
            )
    return tuple(dict.fromkeys(category for _, category, _ in rows)), any(further for _, _, further in rows)
