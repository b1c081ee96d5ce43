"""Stock: rules by which what can be bought now comes first, or alone. The caller's own filter by stock stands above them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from catalog.filters.base import Filter
from catalog.filters.entries.stock import Stock as ByStock
from recommender.merchandising.rules.applied import MovedBy
from recommender.merchandising.rules.conditions import InStock
from recommender.search.ranking.base import Candidates, Query, Step


class Stock(Step[None]):
    """*In stock only* narrows a tier. *In stock first* parts it: what is sold out is asked for only where places are left, and stands
    behind all that is in stock. A pinned product that is sold out keeps no place: it stands where it would without the pin.
    """

    def before(self, query: Query) -> Sequence[Query]:
        rules = query.rules
        if not (rules.stock_only or rules.stock_first) or query.options.filters.get(ByStock) is not None:
            return (query,)
        in_stock = _having(query, InStock())
        if rules.stock_only or query.pinned:
            return (in_stock,)
        return (in_stock, replace(_having(query, ByStock(available=False)), last=True))


def moved_back(sold_out: Candidates, before: Candidates, *, by: MovedBy | None) -> Candidates:
    """What is sold out, marked with the rule where it would else stand before something of `before`."""
    least = min((one.weighed for one in before), default=math.inf)
    return tuple(replace(one, rule=by) if one.rule is None and one.weighed > least else one for one in sold_out)


def _having(query: Query, condition: Filter) -> Query:
    return replace(query, options=replace(query.options, filters=query.options.filters.having(condition)))
