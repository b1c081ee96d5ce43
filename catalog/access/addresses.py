"""From which address a request comes, where proxies stand between: what they add to `X-Forwarded-For` counts, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings

from catalog.access.admission import Asker

Address = IPv4Address | IPv6Address
Header = Callable[[str], str | None]
Networks = tuple[IPv4Network | IPv6Network, ...]
_MOST_HOPS = 20
_IPV6_BITS = 64  # a household or a machine has so large a network of its own, and could ask from each address of it
# By any of these a proxy says for whom it asks, or that it is one.
_FORWARDED = (
    *(
        "x-forwarded-for",
        "forwarded",
        "x-forwarded-proto",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-server",
    ),
    *("x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip", "via"),
)


def networks(texts: Iterable[str]) -> Networks:
    """The networks of a setting, such as `10.0.0.0/8` or one address. Raises ValueError, with a sentence, for anything else."""
    return _networks(tuple(texts))


def client_address(peer: str, header: Header) -> str:
    """The caller's address: `peer`, the connection's other end, or, where that is a trusted proxy, the right-most address of
    `X-Forwarded-For` that is no trusted proxy's. A list that cannot be read counts as far as it can.

    `header`: a header's value by its lower-case name, None where it is absent.
    """
    return _told(peer, header)[0]


def shared_by_household(address: str) -> str:
    """The name under which an address is counted: an IPv6 address by its /64."""
    return _shared_by_household(address)


def is_operator(asker: Asker) -> bool:
    """Whether a request comes from a network of `settings.OPERATORS`.

    One that a proxy passed on comes from nobody knows where, unless the proxy is trusted and says for whom it asks.
    """
    address, is_told = _told(asker.address, asker.header)
    passed_on = any(asker.header(name) is not None for name in _FORWARDED)
    return (is_told or not passed_on) and _within(address, networks(settings.OPERATORS))


def _told(peer: str, header: Header) -> tuple[str, bool]:
    """The caller's address, and whether a trusted proxy told it."""
    trusted = tuple(settings.TRUSTED_PROXIES)
    return _caller(peer, (header("x-forwarded-for") or "") if trusted else "", trusted)


@lru_cache(maxsize=64)
def _networks(texts: tuple[str, ...]) -> Networks:
    try:
        return tuple(ip_network(text.strip(), strict=False) for text in texts if text.strip())
    except ValueError as error:
        raise ValueError(f"{error}; write networks like 10.0.0.0/8, separated by commas") from error


@lru_cache(maxsize=4096)
def _caller(peer: str, forwarded: str, trusted: tuple[str, ...]) -> tuple[str, bool]:
    nearest, is_told = peer, False
    hops = forwarded.split(",")[-_MOST_HOPS:] if forwarded else []
    while hops and _within(nearest, networks(trusted)):
        address = _address(hops.pop())
        if address is None:
            return nearest, False
        nearest, is_told = str(address), True
    return nearest, is_told


@lru_cache(maxsize=4096)
def _shared_by_household(address: str) -> str:
    read = _address(address)
    if isinstance(read, IPv6Address):
        return str(ip_network((int(read), _IPV6_BITS), strict=False))
    return address if read is None else str(read)


@lru_cache(maxsize=4096)
def _within(address: str, of: Networks) -> bool:
    read = _address(address)
    return read is not None and any(read in network for network in of)


def _address(text: str) -> Address | None:
    """The address of `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`; None of anything else.

    An IPv4 address that stands in an IPv6 address (::ffff:192.0.2.1) is itself.
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
