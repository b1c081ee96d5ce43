"""What a caller writes → filters and options of a search. Every error names the parameter and what would do."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache

from django.db import connection

from catalog.models import Product
from catalog.texts import printable, text_problem
from recommender.index.types import Filters

Parameters = Mapping[str, Sequence[str]]

MAX_LIMIT = 100
DEFAULT_LIMIT = 12
ATTRIBUTE = "attr."
FILTERS = ("category", "brand", "min_price", "max_price", "in_stock", "exclude")
OPTIONS = ("limit", "min_score", "min_results", "diversity", "exact")

MAX_VALUES = 200  # of all parameters together, and of brands and categories when they are split at commas
MAX_ATTRIBUTES = 32
_MAX_EXCLUDED = 1000
_CATEGORIES_SECONDS = 1.0
_MAX_ID = 2**63 - 1
_ID_DIGITS = len(str(_MAX_ID))
_SHOWN = 100  # characters of what was written that an error repeats
_PRICE = re.compile(r"\d{1,10}(\.\d{1,6})?")
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class InvalidParameter(ValueError):
    """A parameter that cannot be served. `parameter` is its name; the text says why and what would do."""

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(detail)
        self.parameter = parameter


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """How much of what is asked for.

    `min_score`: nothing less alike. `min_results`: when fewer remain, filled from the same category. `diversity`: 0 to
    1, how much unlikeness among the answers counts. `exact`: compare with every photo instead of asking the ANN index.
    """

    limit: int = DEFAULT_LIMIT
    filters: Filters = field(default_factory=Filters)
    min_score: float | None = None
    min_results: int = 0
    diversity: float = 0.0
    exact: bool = False


def parse(parameters: Parameters, *, also: Sequence[str] = ()) -> SearchOptions:
    """Filters and options from a query string, form fields or JSON (see `from_json`).

    `also`: names that the caller reads itself. Raises InvalidParameter, for unknown names too.
    """
    known = {*FILTERS, *OPTIONS, *also}
    total = attributes = 0
    for name, values in parameters.items():
        if name not in known and not name.startswith(ATTRIBUTE):
            raise InvalidParameter(
                printable(name)[:100],
                f"there is no such parameter; there are {', '.join(sorted(known))} and {ATTRIBUTE}<name>",
            )
        attributes += name.startswith(ATTRIBUTE)
        if attributes > MAX_ATTRIBUTES:
            raise InvalidParameter(name, f"more than {MAX_ATTRIBUTES} attributes; ask for {MAX_ATTRIBUTES} at most")
        total += len(values)
        _check_text(name, name)
        if len(values) > MAX_VALUES:
            raise InvalidParameter(name, f"given {len(values)} times; at most {MAX_VALUES}")
        if total > MAX_VALUES:
            raise InvalidParameter(name, f"with this {total} values are given; at most {MAX_VALUES} in all")
        for value in values:
            _check_text(name, value)
    limit = _whole(parameters, "limit", least=1, most=MAX_LIMIT, default=DEFAULT_LIMIT)
    min_score = _number(parameters, "min_score", least=-1.0, most=1.0)
    return SearchOptions(
        limit=limit,
        filters=_filters(parameters),
        min_score=min_score,
        min_results=_whole(parameters, "min_results", least=0, most=limit, default=0),
        diversity=_number(parameters, "diversity", least=0.0, most=1.0) or 0.0,
        exact=_truth(parameters, "exact") or False,
    )


def from_json(body: Mapping[str, object]) -> dict[str, list[str]]:
    """JSON members as parameters: texts, numbers, truth values, or lists of those. Raises InvalidParameter."""
    parameters = {}
    for name, value in body.items():
        values = value if isinstance(value, list) else [value]
        parameters[name] = [_as_text(name, item) for item in values if item is not None]
    return parameters


def parse_ids(name: str, value: object, *, most: int) -> list[int]:
    """A JSON list of product ids, each once, in order. Raises InvalidParameter."""
    if not isinstance(value, list):
        raise InvalidParameter(name, "a list of product ids is needed")
    if len(value) > most:
        raise InvalidParameter(name, f"{len(value)} ids; at most {most}")
    for item in value:
        if not isinstance(item, int) or isinstance(item, bool) or not 0 < item <= _MAX_ID:
            raise InvalidParameter(name, f"{_shown(item)} is no product id")
    return list(dict.fromkeys(value))


def parse_score(parameters: Parameters, name: str, default: float) -> float:
    """A number from 0 to 1, such as a threshold. Raises InvalidParameter."""
    value = _number(parameters, name, least=0.0, most=1.0)
    return default if value is None else value


def excluding(options: SearchOptions, *, products: Sequence[int], groups: Sequence[str]) -> SearchOptions:
    """The same options, never answered with these products or groups (empty group names do not count)."""
    filters = replace(
        options.filters,
        exclude_products=(*options.filters.exclude_products, *products),
        exclude_groups=(*options.filters.exclude_groups, *(group for group in groups if group)),
    )
    return replace(options, filters=filters)


def _filters(parameters: Parameters) -> Filters:
    low, high = _price(parameters, "min_price"), _price(parameters, "max_price")
    if low is not None and high is not None and low > high:
        raise InvalidParameter("min_price", f"{low} is more than max_price {high}")
    return Filters(
        categories=_categories(parameters),
        brands=_brands(parameters),
        min_price=low,
        max_price=high,
        in_stock=_truth(parameters, "in_stock"),
        attributes=_attributes(parameters),
        exclude_products=_excluded(parameters),
    )


def _categories(parameters: Parameters) -> tuple[int, ...] | None:
    slugs = _listed(parameters, "category", most=MAX_VALUES)
    return None if not slugs else category_ids(slugs)


def category_ids(slugs: Sequence[str]) -> tuple[int, ...]:
    """The ids of categories and of all below them. Raises InvalidParameter for a slug that no category has."""
    if connection.in_atomic_block:
        return _read_categories(tuple(slugs))
    return _remembered_categories(tuple(slugs), int(time.monotonic() / _CATEGORIES_SECONDS))


@lru_cache(maxsize=1024)
def _remembered_categories(slugs: tuple[str, ...], period: int) -> tuple[int, ...]:
    """The tree seldom changes, so a process remembers what it read for the rest of a second."""
    return _read_categories(slugs)


def _read_categories(slugs: tuple[str, ...]) -> tuple[int, ...]:
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
            raise InvalidParameter("category", f"no category has the slug {slug!r}; GET /api/v1/categories/ lists them")
    return tuple(dict.fromkeys(category for _, category in rows))


def _brands(parameters: Parameters) -> tuple[str, ...]:
    """Repeated or separated by commas; a brand that has a comma in its own name is taken whole."""
    brands: list[str] = []
    for value in parameters.get("brand", ()):
        whole = "," in value and Product.objects.filter(published=True, brand=value).exists()
        brands += [value] if whole else [part.strip() for part in value.split(",")]
    if len(brands) > MAX_VALUES:
        raise InvalidParameter("brand", f"{len(brands)} brands; at most {MAX_VALUES}")
    return tuple(dict.fromkeys(filter(None, brands)))


def _attributes(parameters: Parameters) -> dict[str, tuple[str, ...]]:
    """`attr.colour=red&attr.colour=blue`: red or blue; different attributes must all hold."""
    attributes = {}
    for name, values in parameters.items():
        if name.startswith(ATTRIBUTE) and values:
            if name == ATTRIBUTE:
                raise InvalidParameter(name, "the attribute's name is missing: attr.colour=red")
            attributes[name.removeprefix(ATTRIBUTE)] = tuple(dict.fromkeys(values))
    return attributes


def _excluded(parameters: Parameters) -> tuple[int, ...]:
    """Product ids, or SKUs where a value is no number. Those that no product has exclude nothing."""
    values = _listed(parameters, "exclude", most=_MAX_EXCLUDED)
    numbers = [value for value in values if value.isascii() and value.isdigit()]
    for value in numbers:
        if len(value) > _ID_DIGITS:  # and of thousands of digits Python makes no number
            raise InvalidParameter("exclude", f"{value[:_ID_DIGITS]}… ({len(value)} digits) is no product id")
    ids = [number for number in map(int, numbers) if number <= _MAX_ID]
    skus = [value for value in values if value not in numbers]
    if skus:
        ids += Product.objects.filter(sku__in=skus).values_list("pk", flat=True)
    return tuple(ids)


def _listed(parameters: Parameters, name: str, *, most: int) -> list[str]:
    parts = (part.strip() for value in parameters.get(name, ()) for part in value.split(","))
    listed = list(dict.fromkeys(filter(None, parts)))
    if len(listed) > most:
        raise InvalidParameter(name, f"{len(listed)} values; at most {most}")
    return listed


def _one(parameters: Parameters, name: str) -> str | None:
    values = parameters.get(name, ())
    if len(values) > 1:
        raise InvalidParameter(name, "given more than once")
    return values[0] if values and values[0] != "" else None


def _whole(parameters: Parameters, name: str, *, least: int, most: int, default: int) -> int:
    text = _one(parameters, name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise InvalidParameter(name, f"{text!r} is no whole number from {least} to {most}")
    return int(text)


def _number(parameters: Parameters, name: str, *, least: float, most: float) -> float | None:
    text = _one(parameters, name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise InvalidParameter(name, f"{text!r} is no number from {least:g} to {most:g}")
    return value


def _price(parameters: Parameters, name: str) -> Decimal | None:
    text = _one(parameters, name)
    if text is None:
        return None
    if not (text.isascii() and _PRICE.fullmatch(text)):
        raise InvalidParameter(name, f"{text!r} is no price; write it like 19.99")
    return Decimal(text)


def _truth(parameters: Parameters, name: str) -> bool | None:
    text = _one(parameters, name)
    if text is None:
        return None
    if text.lower() not in _TRUTH:
        raise InvalidParameter(name, f"{text!r} is neither true nor false")
    return _TRUTH[text.lower()]


def _check_text(name: str, value: str) -> None:
    """Raises InvalidParameter for what is no text: a value, or the name of an attribute."""
    if problem := text_problem(value):
        raise InvalidParameter(printable(name), problem)


def _shown(value: object) -> str:
    """A JSON value as an error names it: not what is in lists and objects, which may be nested too deeply to be written."""
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    return repr(value)[:_SHOWN]


def _as_text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, str)):
        return str(value)
    raise InvalidParameter(name, "a text, a number, true, false or a list of those is needed")
