"""Which internet addresses may be fetched from when somebody else gives the URL: public ones only."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

# Networks that are not public, with the words that refuse them: IANA's special-purpose registries (RFC 6890 and updates),
# written out because `ipaddress.is_global` differs between versions of Python.
_REFUSED = [
    (ip_network(network), words)
    for network, words in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a carrier's NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "a cloud's metadata service"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "reserved for documentation"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "reserved for benchmarks"),
        ("198.51.100.0/24", "reserved for documentation"),
        ("203.0.113.0/24", "reserved for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("64:ff9b:1::/48", "a local translation"),
        ("100::/64", "reserved"),
        ("2001::/23", "reserved"),  # Teredo (2001::/32) among them: it embeds two IPv4 addresses
        ("2001:db8::/32", "reserved for documentation"),
        ("3fff::/20", "reserved for documentation"),
        ("5f00::/16", "reserved"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
]
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052
_COMPATIBLE = ip_network("::/96")  # RFC 4291, 2.5.5.1


def refusal(address: Address) -> str | None:
    """Why no request may be sent to this address, in words; None when it is a public one.

    An IPv6 address that carries an IPv4 one (mapped, compatible, 6to4, NAT64) is judged by both.
    """
    for network, words in _REFUSED:
        if address in network:
            return words
    if isinstance(address, IPv6Address):
        inner = embedded(address)
        if inner is not None:
            words = refusal(inner) or ""
            return f"{words}, as {inner} inside an IPv6 address" if words else None
    return None if address.is_global else "not public"


def embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address is routed to; None for any other IPv6 address."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64 or address in _COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def parse(text: str) -> Address:
    """Parse an address as resolvers give it; its zone (`%eth0`) does not matter for whether it is public."""
    return ip_address(text.partition("%")[0])
