"""Texts: what Postgres and UTF-8 cannot hold, though a Python string can; and the form in which case does not count."""

from __future__ import annotations

import re
from unicodedata import normalize

NUL = "holds a NUL character"
HALF_A_CHARACTER = "holds half a character (a lone surrogate)"
_SURROGATE = re.compile("[\ud800-\udfff]")


def text_problem(text: str) -> str:
    """What is wrong with a text, worded to follow "the value …"; empty when it can be stored and sent."""
    if "\0" in text:
        return NUL
    if not text.isascii() and _SURROGATE.search(text):
        return HALF_A_CHARACTER
    return ""


def printable(text: str) -> str:
    """The text with question marks in place of characters that no answer or log can hold."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "?")


def folded(text: str) -> str:
    """By what names that differ in case, or in how their accents are composed, are one: without case, in NFC."""
    return normalize("NFC", normalize("NFC", text).casefold())
