"""Group: where a query has several vectors, each finds its own neighbours; here a product or variant group takes one place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from catalog.models import Product
from recommender.models import Space
from recommender.search.ranking.base import Candidate, Candidates, Query, Step


class Group(Step[str]):
    """Keeps the best photo of each product and variant group. A single vector's candidates are grouped by the index."""

    def applies(self, query: Query) -> bool:
        return len(query.vectors) > 1

    def read(self, *, space: Space, queries: Sequence[Query], candidates: Sequence[Candidates]) -> Mapping[int, str]:
        products = {one.image_id: one.product_id for page in candidates for one in page}
        groups = variant_groups(set(products.values()))
        return {image: groups[product] for image, product in products.items() if product in groups}

    def after(self, candidates: Candidates, *, query: Query, known: Mapping[int, str]) -> Candidates:
        """At most `depth`: beyond that, photos that no vector's own candidates hold may be nearer than these."""
        places: dict[int | str, Candidate] = {}
        for one in candidates:
            places.setdefault(known.get(one.image_id, one.product_id), one)
        return tuple(places.values())[: query.depth]


def variant_groups(product_ids: Collection[int]) -> dict[int, str]:
    """The variant groups of those products that have one."""
    if not product_ids:
        return {}
    return dict(Product.objects.filter(pk__in=product_ids).exclude(group="").values_list("pk", "group"))
