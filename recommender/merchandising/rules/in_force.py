"""Which rules are in force: known to every process within a second of a change, and of the moment a rule starts or ends.

Time is Postgres' own, so that all processes agree on it. The version says which rules are in force and what they say: answers that
are kept carry it in their key, so an answer by other rules is never given again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from recommender.index.session import rows
from recommender.models import Rule

CACHE_SECONDS = 1.0

# `xmin` is the transaction that wrote the row as it is now, so no change is overlooked, by whatever means it was made.
_VERSION = """
SELECT md5(string_agg(id || ':' || xmin, ',' ORDER BY id)) FROM recommender_rule
WHERE enabled AND (starts_at IS NULL OR starts_at <= statement_timestamp())
    AND (ends_at IS NULL OR ends_at > statement_timestamp())
"""


@dataclass(frozen=True)
class RuleBook:
    """The rules in force, the newest first. `version`: another one for other rules; empty without any.

    A shop may have thousands of rules, most of them for one product each; a search looks only at those that may concern it.
    """

    version: str = ""
    rules: Sequence[Rule] = ()

    def for_products(self, products: Iterable[int]) -> list[Rule]:
        """The rules for these products alone, the newest first."""
        places = sorted({place for product in products for place in self._by_product.get(product, ())})
        return [self.rules[place] for place in places]

    @cached_property
    def others(self) -> Sequence[Rule]:
        """The rules that are for no single product, the newest first."""
        return [rule for rule in self.rules if rule.scope != Rule.Scope.PRODUCT]

    @cached_property
    def _by_product(self) -> Mapping[int, Sequence[int]]:
        """Places in `rules` of those for a single product, by the product."""
        places: dict[int, list[int]] = {}
        for place, rule in enumerate(self.rules):
            if rule.scope == Rule.Scope.PRODUCT and rule.for_product_id is not None:
                places.setdefault(rule.for_product_id, []).append(place)
        return places


@dataclass
class _Held:
    """What this process knows, and when it was read."""

    book: RuleBook = RuleBook()
    read_at: float = float("-inf")


_held = _Held()
_lock = threading.Lock()


def known_rules() -> RuleBook | None:
    """The rules in force where they were read less than a second ago, else None; Postgres is not asked.

    Inside a transaction use `rules_in_force`, which reads there what the transaction sees.
    """
    held = _held
    return held.book if time.monotonic() - held.read_at < CACHE_SECONDS else None


def rules_in_force() -> RuleBook:
    """The rules in force, as they were at most a second ago. Raises Django's database errors."""
    known = known_rules()
    return known if known is not None and not connection.in_atomic_block else _read()


def forget_rules() -> None:
    """The next `rules_in_force` asks the database."""
    with _lock:
        _held.read_at = float("-inf")


def _read() -> RuleBook:
    """The rules themselves are read only where the version is another one than before."""
    began = time.monotonic()
    ((version,),) = rows(_VERSION, [])
    book = _held.book
    if (version or "") != book.version:
        book = RuleBook(version or "", _rules() if version else ())
    with _lock:
        if began >= _held.read_at:  # else another thread has read later
            _held.book, _held.read_at = book, began
    return book


def _rules() -> Sequence[Rule]:
    begun = Q(starts_at=None) | Q(starts_at__lte=Now())
    lasting = Q(ends_at=None) | Q(ends_at__gt=Now())
    return tuple(Rule.objects.filter(begun, lasting, enabled=True).order_by("-id"))
