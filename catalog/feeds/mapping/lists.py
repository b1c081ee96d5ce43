"""Lists that shop systems write into one cell."""

from __future__ import annotations

import re

_COMMA = re.compile(r"(?<!\\),")
_NAMED = re.compile(r",(?=[A-Za-z_][\w.-]*=)")


def comma_list(text: str) -> list[str]:
    r"""`a, b\, c` → `a` and `b, c`."""
    return [part for piece in _COMMA.split(text) if (part := piece.replace("\\,", ",").strip())]


def named_values(text: str) -> dict[str, list[str]]:
    """`colour=Red,fit=Slim, long,use=Walk|Run`: a comma may be in a value, `|` parts several of them."""
    found: dict[str, list[str]] = {}
    for pair in _NAMED.split(text):
        name, equals, value = pair.partition("=")
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = value[1:-1].replace('""', '"')
        if equals and name.strip() and value:
            found[name.strip()] = [part for piece in value.split("|") if (part := piece.strip())]
    return found


def deepest(paths: list[str]) -> list[str]:
    """Without the paths that are the beginning of another: `A` and `A > B` are `A > B`."""
    different = list(dict.fromkeys(paths))
    return [path for path in different if not any(other.startswith(f"{path} > ") for other in different)]
