"""Django checks, run before a command, a worker or the web server begins: settings that would leave a door open.

What cannot be meant is an error and ends the process. What may be meant, in a private network say, is a warning.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

# As in Django's own deployment check. `openssl rand -hex 32` gives 64 characters, of 16 kinds.
LEAST_KEY_LENGTH = 50
LEAST_KEY_CHARACTERS = 8
# A browser that saw the header asks for HTTPS so long, and the lists of browsers take no shorter time: hstspreload.org.
PRELOAD_SECONDS = 31_536_000
_EXAMPLES = ("django-insecure-", "changeme", "change-me", "change_me", "example", "secret-key", "secret_key", "your-")
_LOCAL = {"localhost", "127.0.0.1", "[::1]", "testserver"}  # the last: Django's test runner adds it
_REMEDY = "set it to a long random text, such as that of `openssl rand -hex 32`"


@register()
def secret_key_is_secret(**_: Any) -> list[CheckMessage]:
    """SECRET_KEY cannot be guessed: whoever has it can make the session of an administrator."""
    try:
        key: str = settings.SECRET_KEY
    except ImproperlyConfigured:  # Django's way to say that it is empty
        key = ""
    problem = _guessable(key)
    return [Error(f"SECRET_KEY {problem}; {_REMEDY}", id="catalog.E011")] if problem else []


def _guessable(key: str) -> str:
    """What is wrong with a key, worded to follow its name; "" where nothing is."""
    if not key.strip():
        return "is empty"
    if len(key) < LEAST_KEY_LENGTH:
        return f"has {len(key)} characters, and needs {LEAST_KEY_LENGTH}"
    if any(key.lower().startswith(example) for example in _EXAMPLES):
        return "is an example out of a manual"
    if len(set(key)) < LEAST_KEY_CHARACTERS or _repeats(key):
        return "repeats itself"
    return ""


def _repeats(key: str) -> bool:
    """Whether the key is a shorter text written several times."""
    return any(key[size:] == key[:-size] for size in range(1, len(key) // 2 + 1))


@register()
def hosts_are_named(**_: Any) -> list[CheckMessage]:
    """ALLOWED_HOSTS has names of hosts that a request can have."""
    hosts = settings.ALLOWED_HOSTS
    found: list[CheckMessage] = []
    if not hosts and not settings.DEBUG:
        found.append(
            Error(
                "ALLOWED_HOSTS is empty, so that every request would be refused; set it to the shop's names, such as"
                " shop.example.com",
                id="catalog.E012",
            )
        )
    if "*" in hosts:
        found.append(
            Warning(
                "ALLOWED_HOSTS has `*`, so that links can be forged under any name; set it to the shop's names, such as"
                " shop.example.com",
                id="catalog.W011",
            )
        )
    for host in hosts:
        if "/" in host or (":" in host and not host.startswith("[")):
            found.append(
                Warning(
                    f"ALLOWED_HOSTS has {host!r}, which no request matches; write the name alone, without scheme and port",
                    id="catalog.W012",
                )
            )
    return found


@register()
def debug_stays_at_home(**_: Any) -> list[CheckMessage]:
    """DEBUG is on only where the shop is asked under names of this machine."""
    if not settings.DEBUG or not (served := _public_hosts()):
        return []
    return [
        Error(
            f"DEBUG shows tracebacks and settings to whoever asks, and ALLOWED_HOSTS has {served[0]!r};"
            " set DEBUG=false, or ALLOWED_HOSTS=localhost",
            id="catalog.E013",
        )
    ]


@register()
def traffic_is_encrypted(**_: Any) -> list[CheckMessage]:
    """HTTPS is on where the shop is asked under other names than this machine's."""
    if settings.HTTPS or settings.DEBUG or not (served := _public_hosts()):
        return []
    return [
        Warning(
            f"HTTPS is off, and ALLOWED_HOSTS has {served[0]!r}: passwords and sessions would go over the network as they"
            " are; put a proxy with TLS before the web server and set HTTPS=true",
            id="catalog.W013",
        )
    ]


@register()
def preloading_is_possible(**_: Any) -> list[CheckMessage]:
    """HSTS_PRELOAD goes with the other two settings of HSTS as the lists of browsers demand."""
    whole = settings.SECURE_HSTS_SECONDS >= PRELOAD_SECONDS and settings.SECURE_HSTS_INCLUDE_SUBDOMAINS
    if not settings.HTTPS or not settings.SECURE_HSTS_PRELOAD or whole:
        return []
    return [
        Error(
            f"HSTS_PRELOAD asks browsers to list this host, and they take none without HSTS_SECONDS={PRELOAD_SECONDS} and"
            " HSTS_SUBDOMAINS=true; set these, or HSTS_PRELOAD=false",
            id="catalog.E014",
        )
    ]


@register()
def access_log_is_known(**_: Any) -> list[CheckMessage]:
    """ACCESS_LOG is a word that means something: with any other nothing would be written, and nobody would notice."""
    if settings.ACCESS_LOG in ("off", "json"):
        return []
    return [Error(f"ACCESS_LOG is {settings.ACCESS_LOG!r}; set it to off or json", id="catalog.E015")]


def _public_hosts() -> list[str]:
    return [host for host in settings.ALLOWED_HOSTS if host not in _LOCAL and not host.endswith(".localhost")]
