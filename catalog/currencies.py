"""Currencies: their codes, how many decimals their prices show, and which currencies a sign may stand for (CLDR, by Babel).

Babel is imported by the functions that read feeds and forms: its data takes megabytes, and a web process that answers the API
does without.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from types import MappingProxyType

from catalog.parameters import quoted

MOST_DIGITS = 3  # what the database keeps
LEAST_DIGITS = 2  # what answers show, also of currencies without decimals
# Currencies whose prices have more than two decimals.
_OF_MOST_DIGITS = frozenset(("BHD", "CLF", "JOD", "KWD", "LYD", "OMR", "TND", "UYW"))

# The languages of whose signs a shop may write. Signs of others are known where English has one, such as ₦.
_LANGUAGES = (
    "en ar bg bn bs cs da de es es_AR es_CL es_CO es_MX es_PE et fa fi fr fr_CA fr_CH he hi hr hu hy id is it ja ka kk ko lt lv mk ms"
    " nb nl pl pt pt_BR ro ru sk sl sq sr sv th tr uk uz vi zh zh_Hant en_AU en_CA en_IN en_KE en_NG en_NZ en_PH en_SG en_ZA"
)
# Words that shops write and CLDR does not have as signs.
_WORDS = {
    "euro": "EUR",
    "euros": "EUR",
    "lei": "RON",
    "din": "RSD",
    "km": "BAM",
    "руб": "RUB",
    "грн": "UAH",
    "тг": "KZT",
    "sfr": "CHF",
    "fr": "CHF",
    "s$": "SGD",
    "tl": "TRY",
    "rmb": "CNY",
    "円": "JPY",
}
# Of signs that several currencies have, the one that is meant where neither the catalogue nor the caller says which.
_COMMONEST = {"$": "USD", "kr": "SEK", "¥": "JPY", "rs": "INR"}
# Signs that CLDR gives to former currencies too, or to fewer than use them.
_ALSO = {"kr": ("SEK", "NOK", "DKK", "ISK"), "rs": ("INR", "PKR", "LKR", "NPR", "MUR", "SCR")}


def shown_digits(code: str) -> int:
    """Decimals that a price of the currency is shown and kept with: two, or the currency's own if more, at most three."""
    return MOST_DIGITS if code.upper() in _OF_MOST_DIGITS else LEAST_DIGITS


@lru_cache(maxsize=1024)
def has_decimals(code: str) -> bool:
    """Whether prices of the currency are written with decimals, as those of yen are not."""
    from babel.numbers import get_currency_precision

    return get_currency_precision(code.upper()) > 0


@cache
def codes() -> frozenset[str]:
    """The codes of ISO 4217, those of former currencies among them."""
    from babel.numbers import list_currencies

    return frozenset(list_currencies())


def read_code(text: str) -> str:
    """The code in capitals. Raises ValueError, with a sentence that says what would do, where it is no currency's."""
    if text.upper() not in codes():
        raise ValueError(f"{quoted(text)} is no currency; write its three letters, like EUR")
    return text.upper()


def candidates(sign: str) -> tuple[str, ...]:
    """The currencies that a code, sign or word may stand for, the commonest first; none for what stands for none."""
    if len(sign) == 3 and sign.upper() in codes():
        return (sign.upper(),)
    return _signs().get(sign_key(sign), ())


def sign_key(sign: str) -> str:
    """`Kr.` → `kr`: a sign without case, blanks, dots and marks of direction."""
    text = unicodedata.normalize("NFKC", sign).casefold()
    return "".join(char for char in text if not char.isspace() and char != "." and unicodedata.category(char) != "Cf")


@cache
def _signs() -> MappingProxyType[str, tuple[str, ...]]:
    from babel import Locale

    found: dict[str, set[str]] = {}
    for language in _LANGUAGES.split():
        for code, sign in Locale.parse(language).currency_symbols.items():
            key = sign_key(sign)
            if key and key != code.casefold():
                found.setdefault(key, set()).add(code)
    for word, code in _WORDS.items():
        found[word] = {code}
    for key, meant in _ALSO.items():
        found[key] = set(meant)
    commonest = {key: _COMMONEST.get(key, "") for key in found}
    return MappingProxyType(
        {key: tuple(sorted(meant, key=lambda code: (code != commonest[key], code))) for key, meant in found.items()}
    )
