"""Query parameters that advertisements, newsletters and analytics append to addresses: the API ignores them.

A storefront that passes its own query string on sends them along. They ask for nothing, so they are neither refused as unknown
nor part of what tells one request from another.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import unquote_plus

from catalog.parameters import Parameters

_BEGINNINGS = ("utm_", "mtm_", "pk_", "hsa_", "_ga_")
_NAMES = frozenset(
    (
        # Google, Meta, Microsoft, TikTok, X, LinkedIn, Pinterest, Reddit, Snapchat, Yandex
        "gclid gclsrc dclid gbraid wbraid gad_source gad_campaignid srsltid _ga _gl _gac"
        " fbclid igsh igshid msclkid ttclid twclid li_fat_id epik rdt_cid sccid yclid ysclid _openstat"
        # Mailchimp, HubSpot, Marketo, Klaviyo, Vero, Omeda
        " mc_cid mc_eid _hsenc _hsmi __hssc __hstc __hsfp hsctatracking mkt_tok _ke _kx vero_id vero_conv oly_anon_id oly_enc_id"
        # Adobe, Matomo, Impact, Commission Junction, Awin
        " s_kwcid s_cid ef_id matomo_campaign irclickid irgwc cjevent awc"
    ).split()
)


def is_tracking(name: str) -> bool:
    """Whether a parameter is one of those, whatever its case."""
    lower = name.lower()
    return lower in _NAMES or lower.startswith(_BEGINNINGS)


def without_tracking(parameters: Parameters) -> dict[str, list[str]]:
    """What is asked for."""
    return {name: list(values) for name, values in parameters.items() if not is_tracking(name)}


@lru_cache(maxsize=256)  # of every answer from Redis, and most callers ask alike
def untracked(query: str) -> str:
    """A query string, as it was sent, without them."""
    return "&".join(part for part in query.split("&") if not is_tracking(_name(part)))


def _name(part: str) -> str:
    name = part.partition("=")[0]
    return unquote_plus(name) if "%" in name or "+" in name else name
