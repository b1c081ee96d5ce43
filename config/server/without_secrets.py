"""What callers ask for, as a log may hold it: without keys, passwords and the like."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

HIDDEN = "***"
# Names of parameters whose values are secrets: by a part of the name, or by a whole word of it.
_PARTS = r"token|secret|passw|pwd|credential|signature|session|cookie"
_WORDS = r"(?:api|access|private)?key|auth|authorization|sig|code"
_SECRET = re.compile(rf"{_PARTS}|(?<![a-z])(?:{_WORDS})(?![a-z])", re.IGNORECASE)
_API_KEY = re.compile(r"lk_(?:pub|sec)_[^/&?#\s]*", re.IGNORECASE)
# In a URL that is a value: a user's name and password.
_USER = re.compile(r"://[^/?#]*@")
# A query string without any of these is shown as it is.
_SUSPECT = re.compile(rf"{_PARTS}|key|auth|sig|code|%|@|lk_", re.IGNORECASE)


def path_without_secrets(path: str) -> str:
    """A path as it was asked for, but for API keys in it."""
    return _API_KEY.sub(HIDDEN, path) if "_" in path else path


def query_without_secrets(query: str) -> str:
    """A query string as it was sent, with HIDDEN in place of values that may be secrets, by their names or by themselves."""
    if not _SUSPECT.search(query):
        return query
    return "&".join(map(_pair, query.split("&")))


def _pair(pair: str) -> str:
    name, equals, value = pair.partition("=")
    shown = unquote_plus(name)
    if _API_KEY.search(shown):
        return HIDDEN
    hidden = equals and (_SECRET.search(shown) or _is_secret(unquote_plus(value)))
    return f"{name}={HIDDEN}" if hidden else pair


def _is_secret(value: str) -> bool:
    """Whether a value holds an API key, or is a URL with a user's password or with parameters that are secrets."""
    if _API_KEY.search(value) or _USER.search(value):
        return True
    return any(_SECRET.search(pair.partition("=")[0]) for pair in value.partition("?")[2].split("&"))
