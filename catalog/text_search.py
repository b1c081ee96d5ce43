"""Products by words: full text in the shop's language, parts of words, and words that were mistyped.

A product is found if every word that was searched for is in its title, brand or SKU: as it stands, in another form of it
("dresses" finds "Dress"), joined or hyphenated ("t-shirt", "tshirt" and "T Shirt" find each other), as a part of a longer word,
and the last one, which may still be being typed, as the beginning of one. Case and accents do not count. A word that no product
has is taken for a typing error of the words that are most like it. What is compared, and how, is written by migration 0009.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple
from unicodedata import normalize

from django.db import connection
from django.db.models import BooleanField, IntegerField, QuerySet
from django.db.models.expressions import RawSQL

from catalog.models import Product
from catalog.typing_errors import PUBLISHED, similar_words

MAX_WORDS = 8
_MAX_PIECES = 16  # of one word; one that has more is looked for as it stands
_LEAST_PART = 3  # letters of a word that is looked for within others: an index of trigrams finds no shorter one

_LEXEMES = (
    "coalesce(tsvector_to_array(to_tsvector('simple', {0}) || to_tsvector(catalog_search_language(), {0})), '{{}}')"
)
# The words, each in pieces of letters and digits: whether the language leaves such a piece out, the lexemes it stands for, and
# it as one word with the piece before and after.
_ANALYSE = f"""
SELECT place, plain, coalesce(text, ''), to_tsvector(catalog_search_language(), text) = '', {_LEXEMES.format("text")},
    coalesce(before, ''), {_LEXEMES.format("before")}, coalesce(after, ''), {_LEXEMES.format("after")}
FROM (
    SELECT word.place, catalog_plain(word.text) AS plain, piece.text, piece.place AS number,
        lag(piece.text) OVER sequence || piece.text AS before, piece.text || lead(piece.text) OVER sequence AS after
    FROM unnest(%s::text[]) WITH ORDINALITY AS word (text, place)
    LEFT JOIN unnest(catalog_pieces(catalog_plain(word.text))) WITH ORDINALITY AS piece (text, place) ON true
    WINDOW sequence AS (ORDER BY word.place, piece.place)
) AS piece ORDER BY place, number
"""  # noqa: S608 (texts of this module)
_RELEVANCE = """
CASE WHEN lower(catalog_product.sku) = lower(%s) THEN 3000000
    WHEN catalog_product.folded_brand = catalog_fold(%s::text) THEN 2000000
    WHEN lower(catalog_product.title) = lower(%s) THEN 1000000 ELSE 0 END
+ coalesce((
    SELECT round(least(ts_rank(t.words, %s::tsquery), 9) * 100000)::int
    FROM catalog_producttext t WHERE t.product_id = catalog_product.id
), 0)
"""


@dataclass(frozen=True)
class _Condition:
    """SQL that is true for the rows of catalog_producttext, called t, that have a word."""

    text: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class TextSearch:
    """What is looked for. `corrected`: the words that were searched for instead, as a text; empty where all are words of products."""

    words: str
    conditions: tuple[_Condition, ...]
    ranked_by: str
    corrected: str = ""

    def among(self, products: QuerySet[Product]) -> QuerySet[Product]:
        """Those of the products that have every word."""
        if not self.conditions:
            return products
        texts = " AND ".join(condition.text for condition in self.conditions)
        values = [value for condition in self.conditions for value in condition.values]
        listed = f"catalog_product.id IN (SELECT t.product_id FROM catalog_producttext t WHERE {texts})"  # noqa: S608
        return products.filter(RawSQL(listed, values, BooleanField()))

    @property
    def irrelevance(self) -> RawSQL:
        """A whole number, the less the better: the SKU or brand itself, then the title, then by where the words are."""
        return RawSQL(f"(-({_RELEVANCE}))", [self.words, self.words, self.words, self.ranked_by], IntegerField())


@dataclass(frozen=True)
class _Piece:
    """Letters and digits of a word, and what of a tsquery is true where a product has them. `left_out`: the language does not
    count them, as "the". `joined`: the same of them and the next piece as one word."""

    text: str
    left_out: bool
    terms: tuple[str, ...]
    joined: tuple[str, ...]

    @property
    def condition(self) -> _Condition:
        return _Condition("t.words @@ %s::tsquery", (" | ".join(self.terms),))


@dataclass(frozen=True)
class _Word:
    """What stands between blanks, without case and accents."""

    plain: str
    pieces: tuple[_Piece, ...]

    @property
    def as_a_part(self) -> _Condition:
        """It stands in the text, as it is; never where that would be in too many."""
        if len(self.plain) < _LEAST_PART and self.plain.isascii() and self.pieces:
            return _Condition("false", ())
        escaped = self.plain.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return _Condition("t.plain LIKE %s", (f"%{escaped}%",))

    @property
    def condition(self) -> _Condition:
        parts = [piece.condition for piece in self.pieces]
        whole = self.as_a_part
        together = " AND ".join(part.text for part in parts) or "false"
        values = (value for part in (*parts, whole) for value in part.values)
        return _Condition(f"({together} OR {whole.text})", tuple(values))


class _Row(NamedTuple):
    place: int
    plain: str
    text: str
    left_out: bool | None
    lexemes: list[str]
    before: str
    before_lexemes: list[str]
    after: str
    after_lexemes: list[str]


def text_search(words: str, *, published: bool) -> TextSearch | None:
    """The search for at most MAX_WORDS words; None for none. `published`: what is a word is judged by published products alone."""
    written = normalize("NFC", words).split()[:MAX_WORDS]
    if not written:
        return None
    asked = _analysed(written)
    known = _known(asked, published)
    kept = _counted(asked, known) or asked
    corrected = [_corrected(word, known, published) for word in kept]
    return TextSearch(
        words=" ".join(written),
        conditions=tuple(word.condition for word in corrected),
        ranked_by=" | ".join(
            dict.fromkeys(term for word in corrected for piece in word.pieces for term in piece.terms)
        ),
        corrected=" ".join(word.plain for word in corrected) if corrected != kept else "",
    )


def _analysed(words: Sequence[str]) -> list[_Word]:
    with connection.cursor() as cursor:
        cursor.execute(_ANALYSE, [list(words)])
        rows = [_Row._make(row) for row in cursor.fetchall()]
    last = max((place for place, row in enumerate(rows) if row.text), default=-1)
    pieces = [_piece(row, is_last=place == last, before_last=place == last - 1) for place, row in enumerate(rows)]
    found = []
    for _, group in groupby(zip(rows, pieces, strict=True), key=lambda pair: pair[0].place):
        listed = list(group)
        own = tuple(piece for _, piece in listed if piece.text)
        found.append(_Word(listed[0][0].plain, own if len(own) <= _MAX_PIECES else ()))
    return found


def _piece(row: _Row, *, is_last: bool, before_last: bool) -> _Piece:
    """The last piece of all may still be being typed, and so may the one that it makes with the piece before."""
    joined = [*map(_quoted, row.after_lexemes), *([f"{_quoted(row.after)}:*"] if before_last and row.after else [])]
    terms = [*map(_quoted, row.lexemes), *map(_quoted, row.before_lexemes), *joined]
    if is_last:
        terms += [f"{_quoted(text)}:*" for text in (row.text, row.before) if text]
    return _Piece(row.text, row.left_out or False, tuple(dict.fromkeys(terms)), tuple(joined))


def _known(words: Sequence[_Word], published: bool) -> Mapping[_Condition, bool]:
    """Whether a product has each word as a part, each of its pieces, and each single letter joined to what follows."""
    conditions = dict.fromkeys(
        condition
        for word in words
        for condition in (word.as_a_part, *(one for piece in word.pieces for one in (piece.condition, _joined(piece))))
    )
    join = PUBLISHED if published else ""
    asked = ", ".join(
        f"EXISTS (SELECT FROM catalog_producttext t {join} WHERE {condition.text})" for condition in conditions
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {asked}", [value for condition in conditions for value in condition.values])
        return dict(zip(conditions, cursor.fetchone(), strict=True))


def _counted(words: Sequence[_Word], known: Mapping[_Condition, bool]) -> list[_Word]:
    """Without what the language leaves out: words of nothing else, and pieces beside others.

    A single letter counts where products have it joined to what follows: "t" of "T Shirt", not "a" of "a dress".
    """
    kept = [
        replace(word, pieces=tuple(one for one in word.pieces if not one.left_out or known[_joined(one)]))
        for word in words
    ]
    return [word for word, before in zip(kept, words, strict=True) if word.pieces or not before.pieces]


def _joined(piece: _Piece) -> _Condition:
    if not piece.left_out or len(piece.text) != 1 or not piece.joined:
        return _Condition("false", ())
    return _Condition("t.words @@ %s::tsquery", (" | ".join(piece.joined),))


def _corrected(word: _Word, known: Mapping[_Condition, bool], published: bool) -> _Word:
    """With what was meant instead of those of its pieces that no product has, if none has the whole as a part either."""
    if known[word.as_a_part] or all(known[piece.condition] for piece in word.pieces):
        return word
    plain, pieces = word.plain, []
    for piece in word.pieces:
        meant = {} if known[piece.condition] else similar_words(piece.text, published=published)
        if meant:
            plain = plain.replace(piece.text, next(iter(meant)), 1)
            terms = dict.fromkeys(_quoted(lexeme) for lexemes in meant.values() for lexeme in lexemes)
            piece = replace(piece, terms=tuple(terms))
        pieces.append(piece)
    return _Word(plain, tuple(pieces))


def _quoted(lexeme: str) -> str:
    """A lexeme in a tsquery."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
