"""Django checks of the settings that say who may ask the API: without them a mistake would open or close a shop in silence."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from catalog.access.addresses import networks
from catalog.access.endpoints import MOST

_MODES = ("open", "keys")


@register()
def access_is_known(**_: Any) -> list[CheckMessage]:
    """API_ACCESS is a word that means something."""
    if settings.API_ACCESS in _MODES:
        return []
    return [Error(f"API_ACCESS is {settings.API_ACCESS!r}; set it to {' or '.join(_MODES)}", id="catalog.E021")]


@register()
def networks_can_be_read(**_: Any) -> list[CheckMessage]:
    """TRUSTED_PROXIES and OPERATORS are networks."""
    found: list[CheckMessage] = []
    for name in ("TRUSTED_PROXIES", "OPERATORS"):
        try:
            networks(getattr(settings, name))
        except ValueError as error:
            found.append(Error(f"{name}: {error}", id="catalog.E022"))
    return found


@register()
def buckets_hold_every_request(**_: Any) -> list[CheckMessage]:
    """No rate is negative, and a bucket that counts holds what the dearest request takes."""
    found: list[CheckMessage] = []
    for rate_name, burst_name in (("API_ADDRESS_RATE", "API_ADDRESS_BURST"), ("API_KEY_RATE", "API_KEY_BURST")):
        rate, burst = getattr(settings, rate_name), getattr(settings, burst_name)
        if not 0 <= rate <= 1_000_000:
            found.append(
                Error(
                    f"{rate_name} is {rate:g}; set it to tokens a second, or to 0 to count nothing", id="catalog.E023"
                )
            )
        if burst < MOST:
            found.append(
                Error(
                    f"{burst_name} is {burst}; set it to {MOST} or more, for the dearest request takes so many tokens",
                    id="catalog.E024",
                )
            )
    return found
