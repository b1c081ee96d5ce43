"""Which texts can be stored: Python's strings may hold what neither Postgres nor UTF-8 knows."""

from __future__ import annotations

import re

NUL = "holds a NUL character"
HALF_A_CHARACTER = "holds half a character (a lone surrogate)"
_SURROGATE = re.compile("[\ud800-\udfff]")


def text_problem(text: str) -> str:
    """What is wrong with a text, as the end of a sentence about it; empty when it can be stored and sent."""
    if "\0" in text:
        return NUL
    if not text.isascii() and _SURROGATE.search(text):
        return HALF_A_CHARACTER
    return ""


def printable(text: str) -> str:
    """The same text with question marks for what makes it unfit for an answer or a log."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "?")
