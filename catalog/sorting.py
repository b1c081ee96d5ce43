"""The order of the catalogue's list, and how the list is read on from one of its rows.

A position is what a row is sorted by, and its id: rows that are added or removed elsewhere do not shift it, and an index finds
it at any depth. Rows that are alike come by id, in the direction of the order. Products without a price come last.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zlib import crc32

from django.db.models import BooleanField, DateTimeField, DecimalField, QuerySet, TextField
from django.db.models.expressions import RawSQL

from catalog.models import Product
from catalog.parameters import MAX_ID, InvalidParameter, Parameters, quoted, read_one
from catalog.text_search import TextSearch
from catalog.texts import text_problem

RELEVANCE = "relevance"
SORTS = ("id", "-id", "price", "-price", "title", "-title", "newest", RELEVANCE)
_MAX_CURSOR = 4000  # characters

Key = str | int | Decimal | datetime | None


@dataclass(frozen=True)
class Position:
    """A row of the list: what it is sorted by, None where it is by its id alone, and its id."""

    key: Key
    id: int


@dataclass(frozen=True)
class Order:
    """`name` as callers write it. `key`: what comes before the id. `nullable`: rows may have none, and come last.

    `read_key`: a key of a cursor, raises ValueError or TypeError. `of`: tells orders by different words apart.
    """

    name: str
    key: RawSQL | None
    read_key: Callable[[Any], Key]
    descending: bool = False
    nullable: bool = False
    of: int = 0

    def page(self, products: QuerySet[Product], *, first: int, count: int) -> list[Product]:
        """At most `count` rows from the place `first` on, which is counted from 0.

        Ids are read first, so that of the rows that are passed over nothing else is worked out.
        """
        ids: list[int] = []
        passed = 0
        for has_key, stretch in self._stretches(products):
            start = max(0, first - passed)
            ids += stretch[start : start + count - len(ids)].values_list("pk", flat=True)
            if has_key and self.nullable and len(ids) < count:
                passed = stretch.count()
        found = self._keyed(products).in_bulk(ids)
        return [found[pk] for pk in ids if pk in found]

    def after(self, products: QuerySet[Product], position: Position, *, count: int) -> list[Product]:
        """At most `count` rows behind a position."""
        found: list[Product] = []
        at_key = position.key is not None
        for has_key, stretch in self._stretches(self._keyed(products)):
            if at_key or not has_key:
                rows = self._beyond(stretch, position) if has_key == at_key else stretch
                found += rows[: count - len(found)]
        return found

    def position_of(self, product: Product) -> Position:
        """Where a product stands that this order listed."""
        return Position(getattr(product, "sort_key", None), product.pk)

    def _stretches(self, products: QuerySet[Product]) -> Iterator[tuple[bool, QuerySet[Product]]]:
        """The rows that have a key, by that and the id; then those without one, by the id alone. Each as an index has them."""
        by_id = "-pk" if self.descending else "pk"
        if self.key is not None:
            keyed = products.filter(self._is("{} IS NOT NULL")) if self.nullable else products
            yield True, keyed.order_by(self.key.desc() if self.descending else self.key.asc(), by_id)
        if self.key is None or self.nullable:
            unkeyed = products if self.key is None else products.filter(self._is("{} IS NULL"))
            yield False, unkeyed.order_by(by_id)

    def _keyed(self, products: QuerySet[Product]) -> QuerySet[Product]:
        return products if self.key is None else products.annotate(sort_key=self.key)

    def _beyond(self, products: QuerySet[Product], position: Position) -> QuerySet[Product]:
        """Compared as rows, which an index on the columns answers."""
        sign = "<" if self.descending else ">"
        if position.key is None:
            return products.filter(RawSQL(f"catalog_product.id {sign} %s", [position.id], BooleanField()))
        return products.filter(self._is(f"({{}}, catalog_product.id) {sign} (%s, %s)", position.key, position.id))

    def _is(self, text: str, *values: object) -> RawSQL:
        """A condition with the key in the place of the braces."""
        assert self.key is not None
        return RawSQL(text.format(self.key.sql), [*self.key.params, *values], BooleanField())


def read_order(parameters: Parameters, search: TextSearch | None) -> Order:
    """The order that `sort` asks for; by relevance where words are searched for and it is not given. Raises InvalidParameter."""
    name = read_one(parameters, "sort") or ("id" if search is None else RELEVANCE)
    if name not in SORTS:
        raise InvalidParameter("sort", f"{quoted(name)} is no order; there are {', '.join(SORTS)}")
    if name == RELEVANCE:
        if search is None:
            raise InvalidParameter("sort", f"{RELEVANCE} is an order of what a search finds; give search too")
        return Order(name, search.irrelevance, _whole, of=crc32(search.words.encode()))
    return _ORDERS[name]


def write_cursor(order: Order, position: Position) -> str:
    """A position as callers pass it back: opaque, and for the same order only."""
    key = position.key
    if isinstance(key, Decimal):
        key = str(key)
    if isinstance(key, datetime):
        key = key.isoformat()
    text = json.dumps([order.name, order.of, key, position.id], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(parameters: Parameters, order: Order) -> Position | None:
    """The position that `cursor` holds; None where it is not given. Raises InvalidParameter."""
    text = read_one(parameters, "cursor")
    if text is None:
        return None
    name, of, key, product_id = _opened(text)
    if (name, of) != (order.name, order.of):
        raise InvalidParameter(
            "cursor", "is of a list in another order, or of other words; ask for the first page anew"
        )
    try:
        if key is not None:
            key = order.read_key(key)
        elif order.key is not None and not order.nullable:
            raise ValueError
    except (ValueError, TypeError, InvalidOperation):
        raise _no_cursor() from None
    return Position(key, product_id)


def _opened(text: str) -> tuple[str, int, Any, int]:
    if len(text) > _MAX_CURSOR or not text.isascii():
        raise _no_cursor()
    try:
        held = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        name, of, key, product_id = held
    except (ValueError, TypeError, RecursionError):
        raise _no_cursor() from None
    if not (isinstance(held, list) and type(product_id) is int and 0 < product_id <= MAX_ID):
        raise _no_cursor()
    return name, of, key, product_id


def _no_cursor() -> InvalidParameter:
    return InvalidParameter("cursor", "is none that an answer gave; take next_cursor of the page before, as it is")


def _text(key: object) -> str:
    if not isinstance(key, str) or text_problem(key):
        raise TypeError
    return key


def _whole(key: object) -> int:
    if type(key) is not int or abs(key) > MAX_ID:
        raise TypeError
    return key


def _amount(key: object) -> Decimal:
    amount = Decimal(_text(key))
    if not amount.is_finite() or abs(amount.adjusted()) > 20:
        raise ValueError
    return amount


def _moment(key: object) -> datetime:
    moment = datetime.fromisoformat(_text(key))
    if moment.tzinfo is None or not 1900 < moment.year < 9000:
        raise ValueError
    return moment


# As the indexes of migration 0009 have them.
_AMOUNT = RawSQL("(catalog_product.amount + 0)", [], DecimalField(max_digits=13, decimal_places=3))
_TITLE = RawSQL('("left"(catalog_plain(catalog_product.title), 200) COLLATE "C")', [], TextField())
_AGE = RawSQL("catalog_product.created_at", [], DateTimeField())
_ORDERS = {
    order.name: order
    for order in (
        Order("id", None, _whole),
        Order("-id", None, _whole, descending=True),
        Order("price", _AMOUNT, _amount, nullable=True),
        Order("-price", _AMOUNT, _amount, nullable=True, descending=True),
        Order("title", _TITLE, _text),
        Order("-title", _TITLE, _text, descending=True),
        Order("newest", _AGE, _moment, descending=True),
    )
}
