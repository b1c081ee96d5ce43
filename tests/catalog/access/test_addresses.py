"""From which address a request comes: a table of proxies, of what callers forge, and of what cannot be read."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from catalog.access.addresses import client_address, networks, shared_by_household

TRUSTED = ["10.0.0.0/8", "fd00::/8", "198.51.100.7"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.7", None, "192.0.2.7"),
        ("192.0.2.7", "203.0.113.5", "192.0.2.7"),  # nobody's proxy
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.5", "203.0.113.5"),  # the caller wrote the first by itself
        ("10.0.0.1", "203.0.113.5,10.0.0.2,198.51.100.7", "203.0.113.5"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "203.0.113.5:4711", "203.0.113.5"),
        ("10.0.0.1", "[2001:db8::5]:4711", "2001:db8::5"),
        ("10.0.0.1", "2001:db8::5", "2001:db8::5"),
        ("10.0.0.1", "::ffff:203.0.113.5", "203.0.113.5"),
        ("::ffff:10.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("fd00::1", "203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.5, unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.5, _hidden, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "203.0.113.5,", "10.0.0.1"),
        ("10.0.0.1", "999.1.1.1", "10.0.0.1"),
        ("10.0.0.1", "[", "10.0.0.1"),
        ("10.0.0.1", "\x00'; DROP TABLE", "10.0.0.1"),
        ("10.0.0.1", "1.1.1.1, " + "10.0.0.2, " * 5000 + "10.0.0.2", "10.0.0.2"),
        ("", "203.0.113.5", ""),
    ],
)
def test_the_caller_is_the_right_most_address_that_is_no_proxys(
    settings: Settings, peer: str, forwarded: str | None, expected: str
) -> None:
    settings.TRUSTED_PROXIES = TRUSTED
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    assert client_address(peer, headers.get) == expected


def test_without_trusted_proxies_the_header_is_nothing() -> None:
    assert client_address("10.0.0.1", {"x-forwarded-for": "203.0.113.5"}.get) == "10.0.0.1"


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_address_is_counted_by_its_64(address: str, counted_as: str) -> None:
    assert shared_by_household(address) == counted_as


@pytest.mark.parametrize("text", ["10.0.0.0/33", "shop.example", "10.0.0", "10.0.0.0/8;::1"])
def test_what_is_no_network_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"write networks like 10\.0\.0\.0/8"):
        networks(["::1", text])
