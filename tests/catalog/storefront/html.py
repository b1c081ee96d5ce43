"""What tests read in a page's HTML."""

from __future__ import annotations

import html
import re
from typing import Any


def text_of(response: Any) -> str:
    """What a shopper reads: without tags, scripts and templates, each run of blanks one."""
    source = re.sub(r"(?s)<(script|template|svg|head)\b.*?</\1>", " ", response.content.decode())
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", source)).split())


def titles(response: Any) -> list[str]:
    """Of the cards, in their order."""
    return [html.unescape(one) for one in re.findall(r'class="card-title">(.*?)</h', response.content.decode())]


def hrefs(response: Any, text: str) -> list[str]:
    """Where the links of that text lead."""
    links = re.findall(r'(?s)<a\b[^>]*?href="([^"]*)"[^>]*>(.*?)</a>', response.content.decode())
    shown = [
        (html.unescape(href), " ".join(html.unescape(re.sub(r"<[^>]+>", " ", inner)).split())) for href, inner in links
    ]
    return [href for href, inner in shown if inner == text]


def meta(response: Any, name: str) -> str:
    """The content of a meta element, by its name or property; "" where there is none."""
    found = re.search(rf'<meta (?:name|property)="{re.escape(name)}" content="([^"]*)"', response.content.decode())
    return html.unescape(found[1]) if found else ""
