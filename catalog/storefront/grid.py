"""A page of the catalogue: products by words, filters, order and number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_lazy

from catalog.filters.registry import read_filters
from catalog.models import Product
from catalog.parameters import InvalidParameter, read_whole
from catalog.product_search import filtered
from catalog.representation import products_for_answers
from catalog.sorting import RELEVANCE, Order, read_order
from catalog.storefront.address import MOST_SEARCH, PAGE, SEARCH, SORT, Address
from catalog.storefront.cards import Card, cards_of
from catalog.storefront.choices import Choice, Choices, choices_of
from catalog.text_search import MAX_WORDS, TextSearch, text_search

PAGE_SIZE = 24
MAX_PAGE = 1_000_000
ORDERS = (
    (RELEVANCE, gettext_lazy("Best match")),
    ("newest", gettext_lazy("Newest first")),
    ("price", gettext_lazy("Price: low to high")),
    ("-price", gettext_lazy("Price: high to low")),
    ("title", gettext_lazy("Name")),
)


class NoSuchPage(Exception):
    """Nothing is at the address: a category that is gone, a page behind the last, an order that there is not."""


class OddPrice(Exception):
    """The prices that a shopper wrote are none, or the lower is above the higher."""


@dataclass(frozen=True)
class Grid:
    """`corrected`: the words that were searched for instead of mistyped ones. `last`: the number of the last page."""

    address: Address
    title: str
    count: int
    cards: Sequence[Card]
    choices: Choices
    orders: Sequence[Choice]
    corrected: str
    number: int
    last: int

    @property
    def previous(self) -> str:
        return str(self.address.having(page=str(self.number - 1) if self.number > 2 else "")) if self.number > 1 else ""

    @property
    def next(self) -> str:
        return str(self.address.having(page=str(self.number + 1))) if self.number < self.last else ""

    @property
    def canonical(self) -> str:
        """Without order and filters: a page of a category, or of everything."""
        return str(self.address.only("category", PAGE))

    @property
    def indexed(self) -> bool:
        """Whether search engines are to keep it: not what a shopper narrowed for the moment."""
        return set(self.address.parameters) <= {"category", PAGE, SORT}


def grid_of(address: Address, *, stock_first: bool) -> Grid:
    """`stock_first`: what is sold out comes last, whatever the order. Raises NoSuchPage, OddPrice."""
    try:
        return _grid(address, stock_first)
    except InvalidParameter as error:
        if error.parameter in ("min_price", "max_price"):
            raise OddPrice from error
        raise NoSuchPage from error


def _grid(address: Address, stock_first: bool) -> Grid:
    filters = read_filters(address.filters)
    search = _search(address)
    order = _order(address, search)
    number = read_whole(address.parameters, PAGE, least=1, most=MAX_PAGE, default=1)
    found = filtered(products_for_answers().defer("description", "attributes"), filters=filters, search=search)
    count = found.count()
    last = max(1, -(-count // PAGE_SIZE))
    if number > last:
        raise NoSuchPage
    choices = choices_of(address, filters, search)
    return Grid(
        address=address,
        title=_title(address, choices),
        count=count,
        cards=cards_of(_page(order, found, number=number, stock_first=stock_first)),
        choices=choices,
        orders=_orders(address, order, searched=search is not None),
        corrected=search.corrected if search is not None else "",
        number=number,
        last=last,
    )


def _search(address: Address) -> TextSearch | None:
    """By as many of the words as are looked for."""
    words = address.one(SEARCH)[:MOST_SEARCH].split()[:MAX_WORDS]
    return text_search(" ".join(words), published=True)


def _order(address: Address, search: TextSearch | None) -> Order:
    """The shopper's; else by relevance where words are searched for, and the newest first where none are."""
    name = address.one(SORT)
    if not name or (name == RELEVANCE and search is None):
        name = "newest" if search is None else RELEVANCE
    return read_order({SORT: [name]}, search)


def _page(order: Order, found: QuerySet[Product], *, number: int, stock_first: bool) -> list[Product]:
    first = (number - 1) * PAGE_SIZE
    if not stock_first:
        return order.page(found, first=first, count=PAGE_SIZE)
    there = found.filter(in_stock=True)
    page = order.page(there, first=first, count=PAGE_SIZE)
    if len(page) < PAGE_SIZE:
        passed = max(0, first - there.count())
        page += order.page(found.filter(in_stock=False), first=passed, count=PAGE_SIZE - len(page))
    return page


def _title(address: Address, choices: Choices) -> str:
    if words := address.one(SEARCH):
        return f"“{words}”"
    if address.one("category"):
        return next((one.label for one in choices.categories if one.chosen), gettext("Products"))
    return gettext("Products")


def _orders(address: Address, order: Order, *, searched: bool) -> list[Choice]:
    """`href` is the value of the order's option in a form."""
    return [Choice(str(label), name, name == order.name) for name, label in ORDERS if searched or name != RELEVANCE]
