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
_TRANSLATED = ip_network("::ffff:0:0:0/96")  # RFC 2765: what a stateless translator (SIIT) makes of an IPv4 address
# The third and fourth quarter of an ISATAP address are 0:5efe, with two bits that may be set, and an IPv4 address (RFC 5214, 6.1).
_ISATAP, _ISATAP_MASK = 0x0000_5EFE, 0xFCFF_FFFF


def refusal(address: Address) -> str | None:
    """Why no request may be sent to this address, in words; None when it is a public one.

    An IPv6 address that carries IPv4 ones is judged by itself and by each of them.
    """
    for network, words in _REFUSED:
        if address in network:
            return words
    inner = embedded(address) if isinstance(address, IPv6Address) else []
    for each in inner:
        if refused := refusal(each):
            return f"{refused}, as {each} inside an IPv6 address"
    # Python's own list changes from version to version, and knows whole networks of forms that are judged above.
    return None if inner or address.is_global else "not public"


def embedded(address: IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that a packet to an IPv6 address may be sent on to, by any of the forms that carry one.

    These are mapped, compatible, translated (SIIT), NAT64, 6to4 and ISATAP addresses. A network that _REFUSED lists is refused
    whatever address it carries: the local translation's (64:ff9b:1::/48) and Teredo's (2001::/32).
    """
    number = int(address)
    last = IPv4Address(number & 0xFFFF_FFFF)
    found = []
    if address.ipv4_mapped is not None or any(address in network for network in (_NAT64, _COMPATIBLE, _TRANSLATED)):
        found.append(last)
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if (number >> 32) & _ISATAP_MASK == _ISATAP:
        found.append(last)
    return found


def parse(text: str) -> Address:
    """Parse an address as resolvers give it; its zone (`%eth0`) does not matter for whether it is public."""
    return ip_address(text.partition("%")[0])
