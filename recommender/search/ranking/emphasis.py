"""Emphasis: rules that boost or bury products. Their scores are multiplied for the rank; the score of an answer stays what it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from recommender.index.session import rows
from recommender.merchandising.rules.applied import Emphasis, Target
from recommender.merchandising.rules.conditions import path_of
from recommender.models import Space
from recommender.search.ranking.base import Candidate, Candidates, Query, Step

# Of so many nearest candidates the best by their multiplied scores are shown.
CANDIDATES = 400

_PRODUCTS = """
WITH wanted AS MATERIALIZED (
    SELECT number - 1 AS number, catalog_fold(brand) AS brand, catalog_fold(path)::jsonpath AS path, product,
        (SELECT nullif(t.variant_group, '') FROM catalog_product t WHERE t.id = product) AS variant_group
    FROM unnest(%(brands)s::text[], %(paths)s::text[], %(products)s::bigint[]) WITH ORDINALITY asked (brand, path, product, number)
)
SELECT i.id, p.amount, upper(p.currency), ARRAY(
    SELECT number FROM wanted
    WHERE p.folded_brand = brand OR p.folded_attributes @@ path OR p.id = product OR p.variant_group = wanted.variant_group
)
FROM catalog_productimage i JOIN catalog_product p ON p.id = i.product_id WHERE i.id = ANY (%(images)s::bigint[])
"""


@dataclass(frozen=True)
class Facts:
    """What boosts and buries look at in a candidate's product. `targets`: those by product, brand or attribute that it is one of."""

    price: Decimal | None
    currency: str
    targets: frozenset[Target]


class Emphasise(Step[Facts]):
    """Ranks the CANDIDATES nearest by score times the factors of all boosts and buries that a product is a target of."""

    def applies(self, query: Query) -> bool:
        return bool(query.rules.emphases) and not query.pinned

    def before(self, query: Query) -> Sequence[Query]:
        return (replace(query, depth=max(query.depth, CANDIDATES)),) if self.applies(query) else (query,)

    def read(self, *, space: Space, queries: Sequence[Query], candidates: Sequence[Candidates]) -> Mapping[int, Facts]:
        asked = dict.fromkeys(
            one.target for query in queries for one in query.rules.emphases if one.target.band is None
        )
        targets = list(asked)
        values = {
            "brands": [one.brand or None for one in targets],
            "paths": [None if one.attribute is None else path_of(*one.attribute) for one in targets],
            "products": [one.product_id for one in targets],
            "images": list({one.image_id for page in candidates for one in page}),
        }
        return {
            image: Facts(price, currency, frozenset(targets[number] for number in numbers))
            for image, price, currency, numbers in rows(_PRODUCTS, values)
        }

    def after(self, candidates: Candidates, *, query: Query, known: Mapping[int, Facts]) -> Candidates:
        """A photo deleted meanwhile is as it was; of equals the nearer stays before."""
        weighed = [_weighed(one, query.rules.emphases, known.get(one.image_id)) for one in candidates]
        ranked = sorted(range(len(weighed)), key=lambda number: (-weighed[number].weighed, number))
        moved = {number for place, number in enumerate(ranked) if place != number}
        return tuple(
            weighed[number] if number in moved else replace(weighed[number], rule=candidates[number].rule)
            for number in ranked
        )


def _weighed(candidate: Candidate, emphases: Sequence[Emphasis], facts: Facts | None) -> Candidate:
    """The candidate with its factor and the rule that has most to do with it."""
    if facts is None:
        return candidate
    matching = [one for one in emphases if _is_target(facts, one.target)]
    if not matching:
        return candidate
    strongest = max(matching, key=lambda one: abs(math.log(one.factor)))
    return replace(candidate, factor=math.prod(one.factor for one in matching), rule=strongest.by)


def _is_target(facts: Facts, target: Target) -> bool:
    if target.band is not None:
        return target.band.holds(facts.price, facts.currency)
    return target in facts.targets
