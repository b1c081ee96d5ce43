"""How callers name a product: by its number, or by `sku:` and its SKU, as in `sku:CL-DRES-000`.

SKUs are kept composed (NFC), so `Ä-1` is one SKU however a caller's keyboard composes it. A shop of an earlier version may still
have a decomposed one; it is found too, and where it has both, the composed one is meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from unicodedata import normalize

from catalog.models import Product
from catalog.parameters import MAX_ID, InvalidParameter, Parameters, quoted
from catalog.texts import text_problem

PREFIX = "sku:"
HOW = f"write a product's number, or {PREFIX} and its SKU"
_ID_DIGITS = len(str(MAX_ID))


@dataclass(frozen=True)
class ProductName:
    """What a caller wrote for a product: `id`, which no product need have, or else `sku`, as it was written."""

    id: int | None = None
    sku: str = ""

    def __str__(self) -> str:
        return f"{PREFIX}{self.sku}" if self.id is None else str(self.id)

    @property
    def written(self) -> int | str:
        """As in a JSON list of products: a number, or `sku:` and the SKU."""
        return str(self) if self.id is None else self.id


def canonical_sku(sku: str) -> str:
    """A SKU as it is kept."""
    return normalize("NFC", sku)


def sku_forms(sku: str) -> list[str]:
    """Every form in which a shop may hold a SKU, the one that counts first."""
    return list(dict.fromkeys((canonical_sku(sku), normalize("NFD", sku), sku)))


def read_name(text: str) -> ProductName:
    """`17` or `sku:CL-DRES-000`. Raises ValueError for anything else, with a text that says what would do."""
    if text.startswith(PREFIX):
        sku = text.removeprefix(PREFIX)
        if problem := text_problem(sku):
            raise ValueError(f"the SKU {problem}")
        if not sku:
            raise ValueError(f"the SKU is missing after {PREFIX}")
        return ProductName(sku=sku)
    if text.isascii() and text.isdigit() and len(text) <= _ID_DIGITS:
        return ProductName(id=int(text))
    raise ValueError(f"{quoted(text)} is no product; {HOW}")


def ids_of(names: Iterable[ProductName], *, published: bool = True) -> dict[ProductName, int]:
    """The ids of those products that are known, by name; one statement for all SKUs. An id is not looked up.

    `published`: only SKUs of published products are known.
    """
    listed = list(dict.fromkeys(names))
    skus = ids_of_skus([name.sku for name in listed if name.id is None], published=published)
    found = {name: skus.get(name.sku) if name.id is None else name.id for name in listed}
    return {name: product_id for name, product_id in found.items() if product_id is not None}


def ids_of_skus(skus: Iterable[str], *, published: bool) -> dict[str, int]:
    """The products that have these SKUs, by SKU as it was given; one statement, none for no SKU."""
    forms = {sku: sku_forms(sku) for sku in skus}
    if not forms:
        return {}
    products = Product.objects.filter(sku__in={form for listed in forms.values() for form in listed})
    if published:
        products = products.filter(published=True)
    known: Mapping[str, int] = dict(products.order_by("pk").values_list("sku", "pk"))
    found = {sku: next((known[form] for form in listed if form in known), None) for sku, listed in forms.items()}
    return {sku: product_id for sku, product_id in found.items() if product_id is not None}


def read_names(
    parameters: Parameters, parameter: str, *, most: int, bare: bool = False, published: bool = True
) -> dict[ProductName, int | None]:
    """Products that are repeated or separated by commas, each once, with their ids; None where no product has the SKU.

    A value that begins with `sku:` and is, commas and all, the SKU of a product is taken whole. `bare`: what is no number is a
    SKU, also without `sku:`. `published`: as in `ids_of`. One statement. Raises InvalidParameter.
    """
    values = [value.strip() for value in parameters.get(parameter, ())]
    whole = {value: ProductName(sku=value.removeprefix(PREFIX)) for value in values if _may_be_whole(value)}
    parts = {part: _part(part, bare) for value in values for part in _split(value)}
    candidates = (one for one in (*whole.values(), *parts.values()) if isinstance(one, ProductName))
    known = ids_of(candidates, published=published)
    names = []
    for value in values:
        taken = [whole[value]] if whole.get(value) in known else [parts[part] for part in _split(value)]
        for one in taken:
            if isinstance(one, str):
                raise InvalidParameter(parameter, one)
            names.append(one)
    found = {name: known.get(name) for name in names}
    if len(found) > most:
        raise InvalidParameter(parameter, f"{len(found)} values; at most {most}")
    return found


def _split(value: str) -> Iterator[str]:
    return filter(None, map(str.strip, value.split(",")))


def _may_be_whole(value: str) -> bool:
    return value.startswith(PREFIX) and "," in value


def _part(part: str, bare: bool) -> ProductName | str:
    """The product that a part of a list names, or what is wrong with it."""
    is_number = part.isascii() and part.isdigit()
    if is_number and len(part) > _ID_DIGITS:  # no id is so long
        return f"{part[:_ID_DIGITS]}… ({len(part)} digits) is no product id"
    try:
        return read_name(f"{PREFIX}{part}" if bare and not is_number and not part.startswith(PREFIX) else part)
    except ValueError as error:
        return str(error)
