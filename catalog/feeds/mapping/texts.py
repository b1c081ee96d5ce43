"""HTML in the texts of a feed becomes text, and what was escaped once too often is undone once."""

from __future__ import annotations

import html
import re

_TAGS = (
    "a|abbr|address|article|aside|b|big|blockquote|body|br|button|center|cite|code|dd|del|details|div|dl|dt|em|figcaption|figure|"
    "font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|label|li|link|main|mark|meta|nav|noscript|ol|p|pre|q|s|"
    "script|section|small|source|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|template|tfoot|th|thead|title|tr|u|ul|"
    "video"
)
# Possessive and bounded, so that a text made to be slow is not.
_INSIDE = r"[^<>\"']*+(?:(?:\"[^\"]*+\"|'[^']*+')[^<>\"']*+){0,50}+"
_TAG = re.compile(
    rf"<(?P<close>/?)(?P<name>{_TAGS})(?=[\s/>]){_INSIDE}>|<!--.*?(?:-->|\Z)|<!doctype[^>]*+>",
    re.IGNORECASE | re.DOTALL,
)
_HIDDEN = re.compile(
    r"<(script|style|template|head|svg|noscript|iframe)(?=[\s>])[^>]*+>.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_INLINE = frozenset(
    "a abbr b big button cite code del em font i img input ins label mark q s small span strike strong sub sup u".split()
)
_CELLS = frozenset(("td", "th"))
_BLANKS = re.compile(r"\s+")


def plain_text(text: str) -> str:
    """`<p>Caf&eacute;</p><li>a</li>` → `Café`, a line end, `a`; a text without tags loses one layer of escaping.

    Paragraphs and items of lists are lines; scripts, styles and comments go. `<` that begins no tag of HTML stays.
    """
    if "<" not in text:
        if "&" not in text or not _ENTITY.search(text):
            return text
        text = html.unescape(text)
        return _stripped(text, entities=False) if _TAG.search(text) else text
    return _stripped(text, entities=True) if _TAG.search(text) else text


def _stripped(text: str, *, entities: bool) -> str:
    """`entities`: whether those of HTML are still to be read."""
    lines = _TAG.sub(_instead, _BLANKS.sub(" ", _HIDDEN.sub(" ", text))).split("\n")
    if entities:
        lines = [html.unescape(line) for line in lines]
    return "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)


def _instead(tag: re.Match[str]) -> str:
    name = (tag["name"] or "").lower()
    if not name or name in _INLINE:
        return ""
    return " " if name in _CELLS else "\n"
