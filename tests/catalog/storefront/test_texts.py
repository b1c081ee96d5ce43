"""The translations: every text is gathered and translated, and what servers read is what translators wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from django.conf import settings

from catalog.storefront import texts

PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}|%%")


def test_every_language_of_the_settings_has_its_texts() -> None:
    assert [code for code, _ in settings.LANGUAGES] == ["en", *texts.languages()] == ["en", "de"]


@pytest.mark.parametrize("language", texts.languages())
def test_every_text_is_translated_and_none_is_left_over(language: str) -> None:
    gathered, translated = texts.gathered(), texts.translated(language)
    assert {message.id for message in translated} == {message.id for message in gathered}
    assert texts.untranslated(translated) == []
    assert len(gathered) > 100 and not any(message.fuzzy for message in translated if message.id)
    for message in translated:
        for text, translation in zip(_each(message.id), _each(message.string), strict=True):
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(translation)), text


@pytest.mark.parametrize("language", texts.languages())
def test_what_servers_read_is_what_translators_wrote(language: str) -> None:
    """After a change: `manage.py gather_texts`."""
    assert texts.compiled_file(language).read_bytes() == texts.compiled(texts.translated(language))


def test_no_text_of_a_template_is_without_its_mark() -> None:
    """Words between tags, outside of what is translated."""
    found = {
        path.name: bare
        for path in sorted((texts.APP / "templates" / "catalog").glob("*.html"))
        if not path.name.startswith("problem_type") and (bare := _bare_words(path))
    }
    assert found == {"base.html": ["Lookalike", "Lookalike"], **{name: ["Lookalike"] for name in _NAMED}}


_NAMED = ("color_search.html", "odd_price.html", "photo_search.html", "product.html", "products.html", "why.html")


def _bare_words(path: Path) -> list[str]:
    source = path.read_text(encoding="utf-8")
    source = re.sub(r"(?s)\{%\s*(comment|blocktranslate)\b.*?\{%\s*end\1\s*%\}", " ", source)
    source = re.sub(r"(?s)\{[{%].*?[}%]\}", " ", source)
    return re.findall(r"[^\W\d_]{2,}(?:\s[^\W\d_]{2,})*", re.sub(r"(?s)<[^>]*>", " ", source).replace("&nbsp;", " "))


def _each(text: object) -> Iterable[str]:
    return (text,) if isinstance(text, str) else tuple(text) if isinstance(text, Iterable) else ()
