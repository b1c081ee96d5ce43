"""Mends what makes an item ill-formed and leaves no doubt of what was meant: `&` and `<` as text, HTML's entities, control characters."""

from __future__ import annotations

import html.entities
import re
from collections import Counter
from functools import partial

# In this order: a section that is left as it is; a named entity, a number of a character, any other "&"; a "<" that
# begins no tag; a character that XML forbids.
_PLACE = re.compile(
    rb"(<!--.*?-->|<!\[CDATA\[.*?\]\]>)"
    rb"|&(?:([A-Za-z][A-Za-z0-9]*);|#([0-9]{1,8}|[xX][0-9a-fA-F]{1,7});|)"
    rb"|(<(?![A-Za-z_:/!?\x80-\xff]))"
    rb"|([\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf])",
    re.DOTALL,
)
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
_XML_ENTITIES = {b"amp", b"lt", b"gt", b"quot", b"apos"}
AMPERSANDS, ENTITIES, TAGS, CONTROLS = (
    "raw & mended",
    "named entities of HTML read",
    "raw < mended",
    "control characters left out",
)


def mended(item: bytes) -> tuple[bytes, Counter[str]]:
    """The item mended, and how often what was done."""
    done: Counter[str] = Counter()
    return _PLACE.sub(partial(_replacement, done), item), done


def _replacement(done: Counter[str], found: re.Match[bytes]) -> bytes:
    section, name, number, less, control = found.groups()
    if section is not None:
        cleaned, count = _FORBIDDEN.subn(b"", section)
        done.update({CONTROLS: count} if count else {})
        return cleaned
    if name is not None:
        return _entity(done, name, found[0])
    if number is not None:
        if _is_allowed(int(number[1:], 16) if number[:1] in b"xX" else int(number)):
            return found[0].replace(b"#X", b"#x")
        done[CONTROLS] += 1
        return b""
    done[TAGS if less is not None else CONTROLS if control is not None else AMPERSANDS] += 1
    return b"&lt;" if less is not None else b"" if control is not None else b"&amp;"


def _entity(done: Counter[str], name: bytes, written: bytes) -> bytes:
    if name in _XML_ENTITIES:
        return written
    text = html.entities.html5.get(name.decode("ascii") + ";")
    done[AMPERSANDS if text is None else ENTITIES] += 1
    if text is None:
        return b"&amp;" + written[1:]
    return text.replace("&", "&amp;").replace("<", "&lt;").encode()


def _is_allowed(code: int) -> bool:
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
