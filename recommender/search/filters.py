"""What a caller writes → filters and options of a search. Every error names the parameter and what would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from catalog.filters.attribute_names import PREFIX as ATTRIBUTE
from catalog.filters.chosen import Filters
from catalog.filters.registry import read_filters
from catalog.identifiers import HOW, PREFIX, ProductName, read_name
from catalog.parameters import (
    MAX_ID,
    InvalidParameter,
    Parameters,
    quoted,
    read_number,
    read_one,
    read_truth,
    read_whole,
)

MAX_LIMIT = 100
DEFAULT_LIMIT = 12
OPTIONS = ("limit", "min_score", "min_confidence", "min_results", "diversity", "exact", "color_weight", "rules")

_PHOTO_ID_DIGITS = 19  # as many may be more than a bigint holds
_SHOWN = 100  # characters of what was written that an error repeats
_LEAST_WEIGHT = 1e-9  # of colour; scores have six digits


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """What may be found, and how much of it.

    `limit`: products at most. `filters`: what each must fulfil. `min_score`: nothing less alike. `min_confidence`: nothing of
    less confidence, 0 to 100. `min_results`: when fewer remain, filled from the same category. `diversity`: 0 to 1, how much
    unlikeness among the answers counts. `exact`: compare with every photo instead of asking the ANN index. `color_weight`: 0 to
    1, how much colour counts beside shape; None: as much as the space says. `rules`: whether merchandisers' rules are obeyed.
    """

    limit: int = DEFAULT_LIMIT
    filters: Filters = field(default_factory=Filters)
    min_score: float | None = None
    min_confidence: float | None = None
    min_results: int = 0
    diversity: float = 0.0
    exact: bool = False
    color_weight: float | None = None
    rules: bool = True


def parse(parameters: Parameters, *, also: Sequence[str] = (), without: Sequence[str] = ()) -> SearchOptions:
    """Filters and options from a query string, form fields or JSON (see `from_json`).

    `also`: names that the caller reads itself. `without`: options that this search does not have. Raises InvalidParameter, for
    unknown names too.
    """
    filters = read_filters(parameters, also=[*(name for name in OPTIONS if name not in without), *also])
    limit = read_whole(parameters, "limit", least=1, most=MAX_LIMIT, default=DEFAULT_LIMIT)
    return SearchOptions(
        limit=limit,
        filters=filters,
        min_score=read_number(parameters, "min_score", least=-1.0, most=1.0),
        min_confidence=read_number(parameters, "min_confidence", least=0.0, most=100.0),
        min_results=read_whole(parameters, "min_results", least=0, most=limit, default=0),
        diversity=read_number(parameters, "diversity", least=0.0, most=1.0) or 0.0,
        exact=read_truth(parameters, "exact") or False,
        color_weight=parse_color_weight(parameters),
        rules=_parse_rules(parameters),
    )


def from_json(body: Mapping[str, object]) -> dict[str, list[str]]:
    """JSON members as parameters: texts, numbers, truth values, or lists of those. Raises InvalidParameter.

    `attributes` is an object of them: `{"colour": "red"}` is the parameter `attr.colour`.
    """
    attributes = {} if body.get("attributes") is None else body["attributes"]
    if not isinstance(attributes, dict):
        raise InvalidParameter("attributes", 'an object is needed, like {"colour": ["red", "blue"]}')
    named = {f"{ATTRIBUTE}{name}": value for name, value in attributes.items()}
    if twice := next((name for name in named if name in body), None):
        raise InvalidParameter(twice, "stands in `attributes` and beside it; leave out one of the two")
    parameters = {}
    for name, value in {**{name: value for name, value in body.items() if name != "attributes"}, **named}.items():
        values = value if isinstance(value, list) else [value]
        parameters[name] = [_as_text(name, item) for item in values if item is not None]
    return parameters


def parse_products(name: str, value: object, *, most: int) -> list[ProductName]:
    """A JSON list of products, ids or `sku:` and a SKU, each once, in order. Raises InvalidParameter."""
    if not isinstance(value, list):
        raise InvalidParameter(name, "a list of products is needed, each a number or sku: and its SKU")
    if len(value) > most:
        raise InvalidParameter(name, f"{len(value)} ids; at most {most}")
    return list(dict.fromkeys(_product(name, item) for item in value))


def parse_photo_id(
    parameters: Parameters, name: str, *, needed: str = "the id of one of the product's photos is needed"
) -> int | None:
    """The id of a photo; None where it is not given. `needed`: what an error asks for. Raises InvalidParameter."""
    values = parameters.get(name, ())
    if not values:
        return None
    if len(values) > 1 or not (values[0].isascii() and values[0].isdigit() and len(values[0]) < _PHOTO_ID_DIGITS):
        raise InvalidParameter(name, needed)
    return int(values[0])


def parse_color_weight(parameters: Parameters) -> float | None:
    """How much colour counts, 0 to 1; None where it is not given. Raises InvalidParameter.

    Less than a score could show is 0: Postgres refuses the product of a cosine and a number that is almost none.
    """
    weight = read_number(parameters, "color_weight", least=0.0, most=1.0)
    return 0.0 if weight is not None and weight < _LEAST_WEIGHT else weight


def parse_score(parameters: Parameters, name: str, default: float) -> float:
    """A number from 0 to 1, such as a threshold. Raises InvalidParameter."""
    value = read_number(parameters, name, least=0.0, most=1.0)
    return default if value is None else value


def excluding(options: SearchOptions, *, products: Sequence[int], groups: Sequence[str]) -> SearchOptions:
    """The same options, never answered with these products or groups (empty group names do not count)."""
    return replace(options, filters=options.filters.excluding(products=products, groups=groups))


def _parse_rules(parameters: Parameters) -> bool:
    text = read_one(parameters, "rules")
    if text not in (None, "on", "off"):
        raise InvalidParameter("rules", f"{quoted(text)} is neither on nor off")
    return text != "off"


def _product(name: str, item: object) -> ProductName:
    if isinstance(item, int) and not isinstance(item, bool) and 0 < item <= MAX_ID:
        return ProductName(id=item)
    if isinstance(item, str) and item.startswith(PREFIX):
        try:
            return read_name(item)
        except ValueError as error:
            raise InvalidParameter(name, str(error)) from error
    raise InvalidParameter(name, f"{_shown(item)} is no product id; {HOW}")


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
