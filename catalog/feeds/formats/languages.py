"""Tells encodings of one byte a character apart by the letters that languages use.

Statistics over byte pairs mistake short tables of Western European names for Polish ones and the other way round, so a
reading is judged by what a person would look at: whether one language's letters explain the text.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґ"
_GREEK = "αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋΐΰ"
_CENTRAL = ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîşţ")
# The first of equals wins: what is the same text in several encodings is the commonest one's.
_LANGUAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("cp1252", ("äöüß", "éèêëàâçîïôûùœ", "áéíóúñü", "àèéìòù", "áâãàçéêíóôõú", "åæøäöé", "éëïöüè", "áéíóúýþæöð")),
    ("cp1250", _CENTRAL),
    ("iso8859_2", _CENTRAL),
    ("cp1251", (_CYRILLIC,)),
    ("koi8_r", (_CYRILLIC,)),
    ("cp1253", (_GREEK,)),
    ("cp1254", ("çğıiöşüâî",)),
    ("cp1257", ("āčēģīķļņšūž", "ąčęėįšųūž", "äöõüšž")),
    ("cp1255", ("אבגדהוזחטיךכלםמןנסעףפץצקרשת",)),
    ("cp1256", ("ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيپچژگ",)),
)
# Signs that stand beside words in shops' texts of any language.
_SIGNS = set("€£¥§°²³½¼¾×·•–—‘’‚“”„…®™©«»¡¿±µªº\u00a0")
_RARE = set("ёжфхцшщъэюґζξψϊϋΐΰ")
# What a letter explains that a wrong encoding makes of others: a rare one of common letters, a capital of small letters.
_RARE_SHARE, _UPPER_SHARE = 0.8, 0.97
_MIXED_SHARE = 0.95  # of a text that takes several languages to explain
_UNEXPLAINED = 1.0  # taken off for a sign inside a word, which no language writes


@dataclass(frozen=True)
class Reading:
    """An encoding and how well its languages explain the characters beyond ASCII: 1 wholly, 0 or less not at all."""

    encoding: str
    explained: float


def best_reading(sample: bytes) -> Reading:
    """The encoding of one byte a character in which `sample` looks most like some language."""
    return max((_reading(sample, name, sets) for name, sets in _LANGUAGES), key=lambda reading: reading.explained)


def _reading(sample: bytes, encoding: str, languages: tuple[str, ...]) -> Reading:
    text = sample.decode(encoding, "replace")
    latin = all(letter < "ʰ" for letter in languages[0])
    letters: Counter[str] = Counter()
    wrong = 0.0
    for before, character, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if character.isascii():
            continue
        within = before.isalpha() and after.isalpha()
        if character.isalpha() and character not in _SIGNS:
            letters[character] += 1
            wrong += before.islower() and character.isupper()
            wrong += not latin and (_is_ascii_letter(before) or _is_ascii_letter(after))
        elif within or character not in _SIGNS:
            wrong += _UNEXPLAINED
    mixed = _MIXED_SHARE * _covered(letters, "".join(languages))
    covered = max(mixed, *(_covered(letters, language) for language in languages))
    total = letters.total() + wrong
    return Reading(encoding, (covered - wrong) / total if total else 0.0)


def _covered(letters: Counter[str], language: str) -> float:
    known = set(language)
    return sum(
        count * (_UPPER_SHARE if letter.isupper() else 1.0) * (_RARE_SHARE if letter.lower() in _RARE else 1.0)
        for letter, count in letters.items()
        if letter.lower() in known
    )


def _is_ascii_letter(character: str) -> bool:
    return character.isascii() and character.isalpha()
