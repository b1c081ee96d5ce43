"""Whether a product can be bought now, in the words of feeds."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from catalog.texts import printable

_SHOWN = 80
# Google's, Facebook's, schema.org's (ItemAvailability), those of shop systems, and the commonest of some languages. In stock is
# what can be bought now, also what is made when it is ordered. What is promised for later is out of stock: preorder, backorder.
_IN_STOCK = """
in stock; instock; available; available for order; available now; limited availability; limited; low stock; last items; few left;
online only; in store only; made to order; ready to ship; in store; on stock; onstock; yes; y; true; t; on; stock available;
auf lager; lagernd; verfügbar; lieferbar; sofort lieferbar; vorrätig; ja; en stock; disponible; oui; si; sí; sì; en existencia;
disponibile; in magazzino; op voorraad; beschikbaar; leverbaar; dostępny; dostępna; dostępne; w magazynie; na stanie; tak;
em estoque; em stock; disponível; sim; på lager; i lager; skladem; на складе; в наличии
"""
_OUT_OF_STOCK = """
out of stock; outofstock; temporarily out of stock; sold out; soldout; unavailable; not available; no stock; not in stock; discontinued;
preorder; pre order; on preorder; presale; pre sale; backorder; back order; on backorder; onbackorder; available on backorder;
back in stock soon; coming soon; reserved; retired; ended; no; n; false; f; off; none; not for sale;
nicht auf lager; nicht verfügbar; nicht lieferbar; ausverkauft; vergriffen; vorbestellbar; nein; rupture de stock; en rupture de stock;
épuisé; indisponible; non disponible; non; agotado; sin existencias; no disponible; fuera de stock; esaurito; non disponibile;
niet op voorraad; uitverkocht; niet leverbaar; nee; niedostępny; niedostępna; niedostępne; brak; brak w magazynie; wyprzedany; nie;
sem estoque; esgotado; indisponível; não; slutsåld; udsolgt; utsolgt; vyprodáno; нет в наличии
"""
_COUNT = re.compile(
    r"(?:only |nur |noch |over |more than |>=? ?|~ ?)?(?P<number>[+-]?\d{1,12}(?:[.,]\d{1,6})?)\+?"
    r"(?: ?(?:pcs?|pieces?|units?|items?|left|stk|stück|st|szt|pièces?|unidades|pezzi|stuks|ks|шт)\.?)?"
    r"(?: (?:in stock|left|available|auf lager|en stock|op voorraad))?"
)
_BETWEEN_WORDS = re.compile(r"_|(?<=\w)-(?=\w)")


@lru_cache(maxsize=4096)
def in_stock(text: str) -> bool:
    """`https://schema.org/InStock`, `in_stock`, `12 pcs`, `Y`. Raises ValueError for what is none of those."""
    word = _key(text)
    if word in _WORDS:
        return _WORDS[word]
    if match := _COUNT.fullmatch(word):
        return float(match["number"].replace(",", ".")) > 0
    raise ValueError(
        f"{printable(text)[:_SHOWN]!r} is not known; write in stock, out of stock, preorder or backorder, or how many there are"
    )


def counted(text: str) -> bool:
    """Whether a quantity is more than nothing. Raises ValueError."""
    match = _COUNT.fullmatch(_key(text))
    if match is None:
        raise ValueError(f"{printable(text)[:_SHOWN]!r} is no quantity; write how many there are, like 12")
    return float(match["number"].replace(",", ".")) > 0


def _key(text: str) -> str:
    """`https://schema.org/LimitedAvailability` → `limited availability`: no case, and one blank between words."""
    name = text.strip().rstrip("/")
    if name.lower().startswith(("http://", "https://")):
        name = name.rpartition("/")[2]
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFC", name))
    return " ".join(_BETWEEN_WORDS.sub(" ", name.casefold().removeprefix("schema:")).split())


_WORDS = {_key(word): True for word in _IN_STOCK.split(";")} | {_key(word): False for word in _OUT_OF_STOCK.split(";")}
