"""Words that no product has, and the words of products that whoever typed them may have meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from django.db import connection, transaction

_LEAST_LETTERS = 4  # of shorter words too many others differ by a letter
# Letters. A shorter word may have one letter that is wrong, missing, too many, or swapped with the next.
_TWO_ERRORS_FROM = 8
_ALIKE = 0.3  # share of trigrams that a word shares with one of which it differs by a letter in the middle
_MOST_CANDIDATES = 200
_MOST_MEANT = 5

# Words alike by their trigrams, for which an index is asked, and those of the given variants that are words of products. What a
# language reduces a word to is among `words` too, but is no word that anybody would be shown.
_CANDIDATES = """
WITH alike AS (
    SELECT DISTINCT word FROM catalog_producttext t {published}, unnest(catalog_pieces(t.plain)) AS word
    WHERE %(word)s <%% t.plain AND length(word) BETWEEN %(least)s AND %(most)s AND similarity(word, %(word)s) >= %(alike)s
), variant AS (
    SELECT word FROM unnest(%(variants)s::text[]) AS word WHERE EXISTS (
        SELECT FROM catalog_producttext t {published} WHERE t.words @@ quote_literal(word)::tsquery
            AND t.plain ~ ('(^|[^a-z0-9])' || word || '($|[^a-z0-9])')
    )
)
SELECT word, tsvector_to_array(to_tsvector('simple', word) || to_tsvector(catalog_search_language(), word))
FROM (SELECT word FROM alike UNION SELECT word FROM variant) AS candidate
ORDER BY similarity(word, %(word)s) DESC, word LIMIT %(limit)s
"""
PUBLISHED = "JOIN catalog_product p ON p.id = t.product_id AND p.published"


def similar_words(word: str, *, published: bool) -> dict[str, list[str]]:
    """At most five words of products that are `word` but for a typing error or two, the likeliest first, with their lexemes.

    `word`: without case and accents. `published`: only those of published products.
    """
    if len(word) < _LEAST_LETTERS:
        return {}
    errors = 2 if len(word) >= _TWO_ERRORS_FROM else 1
    values: dict[str, Any] = {
        "word": word,
        "least": len(word) - errors,
        "most": len(word) + errors,
        "alike": _ALIKE,
        "variants": list(_swapped_or_doubled(word)),
        "limit": _MOST_CANDIDATES,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.word_similarity_threshold', %s, true)", [str(_ALIKE)])
        cursor.execute(_CANDIDATES.format(published=PUBLISHED if published else ""), values)
        candidates: list[tuple[str, list[str]]] = cursor.fetchall()
    distances = {one: distance(word, one) for one, _ in candidates}
    meant = [(one, lexemes) for one, lexemes in candidates if distances[one] <= errors]
    meant.sort(key=lambda candidate: distances[candidate[0]])
    return dict(meant[:_MOST_MEANT])


def distance(one: str, other: str) -> int:
    """How many letters were typed wrongly: changed, left out, added, or swapped with the next (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, above, row = row, before, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _swapped_or_doubled(word: str) -> Collection[str]:
    """Every word that differs by two letters that changed places, or by one letter less.

    Trigrams miss these in short words: `shrit` and `shirt` have two of their six in common.
    """
    return dict.fromkeys(_variants(word))


def _variants(word: str) -> Iterator[str]:
    for place in range(len(word) - 1):
        yield word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    for place in range(len(word)):
        yield word[:place] + word[place + 1 :]
