"""Photos by URL: which addresses may be asked, and what a hostile server can do.

Names resolve by an injected resolver, and the one server is on this machine's loopback with an injected rule for it:
nothing here sends a packet to any other address.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address
from typing import Any

import pytest
import trustme

from catalog.photos import addresses
from catalog.photos.fetch import FetchFailed, FetchRefused, PhotoFetcher, fetch_photo
from tests.catalog.photo_server import Server, reply

PUBLIC = "93.184.215.14"
REFUSED = {
    "127.0.0.1": "loopback",
    "127.8.9.1": "loopback",
    "0.0.0.0": "unspecified",
    "10.1.2.3": "private",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.168.1.1": "private",
    "100.64.0.1": "shared by a carrier's NAT",
    "100.100.100.200": "shared by a carrier's NAT",
    "169.254.169.254": "link-local",
    "168.63.129.16": "a cloud's metadata service",
    "192.0.0.192": "reserved",
    "198.18.0.1": "reserved for benchmarks",
    "224.0.0.1": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "::": "unspecified",
    "::1": "loopback",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "fc00::1": "private",
    "fd00:ec2::254": "private",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
    "2001:db8::1": "reserved for documentation",
    "2001:0:a00:1::1": "reserved",
    "::ffff:127.0.0.1": "loopback, as 127.0.0.1 inside an IPv6 address",
    "::ffff:a9fe:a9fe": "link-local, as 169.254.169.254 inside an IPv6 address",
    "::10.0.0.1": "private, as 10.0.0.1 inside an IPv6 address",
    "2002:a00:1::": "private, as 10.0.0.1 inside an IPv6 address",
    "64:ff9b::10.0.0.1": "private, as 10.0.0.1 inside an IPv6 address",
    "64:ff9b:1::1": "a local translation",
    "64:ff9b:1::8.8.8.8": "a local translation",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe": "reserved",
    "::ffff:0:10.0.0.1": "private, as 10.0.0.1 inside an IPv6 address",
    "::ffff:0:a9fe:a9fe": "link-local, as 169.254.169.254 inside an IPv6 address",
    "2606:4700::5efe:10.0.0.1": "private, as 10.0.0.1 inside an IPv6 address",
    "2606:4700::200:5efe:192.168.1.1": "private, as 192.168.1.1 inside an IPv6 address",
    "2606:4700::100:5efe:7f00:1": "loopback, as 127.0.0.1 inside an IPv6 address",
    "2606:4700::300:5efe:127.0.0.1": "loopback, as 127.0.0.1 inside an IPv6 address",
    "2002:808:808::5efe:10.0.0.1": "private, as 10.0.0.1 inside an IPv6 address",
    "2002:a00:1::5efe:8.8.8.8": "private, as 10.0.0.1 inside an IPv6 address",
    "fe80::5efe:8.8.8.8": "link-local",
}


@pytest.mark.parametrize(("address", "words"), REFUSED.items())
def test_addresses_that_are_not_public_are_refused(address: str, words: str) -> None:
    assert addresses.refusal(addresses.parse(address)) == words


@pytest.mark.parametrize(
    "address",
    [
        PUBLIC,
        "8.8.8.8",
        "172.32.0.1",
        "2606:4700::1",
        "::ffff:8.8.8.8",
        "::ffff:0:8.8.8.8",
        "::8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
        "2606:4700::5efe:8.8.8.8",
        "2606:4700::200:5efe:8.8.8.8",
        "2606:4700::5eff:10.0.0.1",
    ],
)
def test_public_addresses_are_not(address: str) -> None:
    assert addresses.refusal(ip_address(address)) is None


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://shop.example/a.jpg", "is no http"),
        ("file:///etc/passwd", "is no http"),
        ("//shop.example/a.jpg", "is no http"),
        ("http://", "is no http"),
        ("http://[::1", "is no URL"),
        ("http://shop.example:99999/", "is no URL"),
        (f"http://{'a' * 70}.example/", "is no URL"),
        ("http://user:secret@shop.example/a.jpg", "user name"),
        ("http://shop.example:22/a.jpg", "port 22 is not fetched from; allowed: 80, 443"),
    ],
)
def test_urls_that_are_not_fetched(url: str, message: str) -> None:
    with pytest.raises(FetchRefused, match=message) as refused:
        PhotoFetcher(resolve=lambda host, port: pytest.fail("nothing is resolved")).fetch(url)
    assert refused.value.reason == "bad_url"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.jpg",
        "http://2130706433/a.jpg",
        "http://0x7f.1/a.jpg",
        "http://[::1]/a.jpg",
        "http://[::ffff:169.254.169.254]/latest/meta-data/",
        "http://localhost/a.jpg",
    ],
)
def test_local_names_of_every_spelling_are_refused(url: str) -> None:
    """Through the system's own resolver: numbers and localhost need no network."""
    with pytest.raises(FetchRefused, match="photos come from public hosts") as refused:
        fetch_photo(url)
    assert refused.value.reason == "address"


def test_one_private_address_among_public_ones_is_enough_and_the_log_alone_names_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fetcher = PhotoFetcher(resolve=lambda host, port: [PUBLIC, "10.0.0.1"])
    with pytest.raises(FetchRefused) as refused:
        fetcher.fetch("https://shop.example/a.jpg")
    assert str(refused.value) == "shop.example is not at a public address: photos come from public hosts"
    assert caplog.messages == ["shop.example is at 10.0.0.1, which is private: nothing is fetched from there"]


def test_a_name_that_does_not_resolve_may_pass() -> None:
    def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    for resolve in (unknown, lambda host, port: []):
        with pytest.raises(FetchFailed):
            PhotoFetcher(resolve=resolve).fetch("http://shop.example/a.jpg")


def test_a_resolver_that_hangs_is_left_behind() -> None:
    released = threading.Event()
    fetcher = PhotoFetcher(resolve=lambda host, port: [str(released.wait(20))], seconds=0.2)
    began = time.monotonic()
    with pytest.raises(FetchFailed, match="not resolved in time"):
        fetcher.fetch("http://shop.example/a.jpg")
    assert time.monotonic() - began < 5
    released.set()


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Server, PhotoFetcher]]]:
    servers: list[Server] = []

    def make(answer: Any, *, tls: ssl.SSLContext | None = None, **options: Any) -> tuple[Server, PhotoFetcher]:
        send = answer if callable(answer) else (lambda stream, request: stream.sendall(answer))
        server = Server(send, tls)
        servers.append(server)
        options.setdefault("resolve", lambda host, port: ["127.0.0.1"])
        options.setdefault("refusal", lambda address: None if str(address) == "127.0.0.1" else "not for this test")
        return server, PhotoFetcher(ports=[80, 443, server.port], seconds=options.pop("seconds", 10), **options)

    yield make
    for server in servers:
        server.close()


def test_a_photo_is_fetched_from_the_judged_address_under_its_name(serve: Any) -> None:
    server, fetcher = serve(reply("200 OK", b"photo"))
    assert fetcher.fetch(f"http://shop.example:{server.port}/a b/ü.jpg?x=1 2#top") == b"photo"
    first, *headers = server.asked[0].decode().split("\r\n")
    assert first == "GET /a%20b/%C3%BC.jpg?x=1%202 HTTP/1.1"
    assert f"Host: shop.example:{server.port}" in headers


def test_the_name_is_resolved_once_so_that_a_second_answer_changes_nothing(serve: Any) -> None:
    """Rebinding: the first answer is judged and connected to, the second would be a refused address."""
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    server, fetcher = serve(reply("200 OK", b"photo"), resolve=lambda host, port: answers.pop(0))
    assert fetcher.fetch(f"http://shop.example:{server.port}/") == b"photo"
    assert answers == [["10.0.0.1"]]


def test_redirects_are_followed_and_judged_again(serve: Any) -> None:
    def answer(stream: socket.socket, request: bytes) -> None:
        target = request.split()[1].decode()
        if target == "/photo":
            stream.sendall(reply("200 OK", b"photo"))
        else:
            stream.sendall(
                reply("302 Found", b"", "Location: " + {"/a": "photo", "/b": "http://inside.example/"}[target])
            )

    names = {"shop.example": "127.0.0.1", "inside.example": "10.0.0.1"}
    server, fetcher = serve(answer, resolve=lambda host, port: [names[host]])
    assert fetcher.fetch(f"http://shop.example:{server.port}/a") == b"photo"
    with pytest.raises(FetchRefused, match=r"inside\.example is not at a public address") as refused:
        fetcher.fetch(f"http://shop.example:{server.port}/b")
    assert refused.value.reason == "address"


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://shop.example:22/", "gopher://shop.example/"])
def test_a_redirect_to_what_is_not_fetched_is_refused(serve: Any, target: str) -> None:
    server, fetcher = serve(reply("301 Moved", b"", f"Location: {target}"))
    with pytest.raises(FetchRefused):
        fetcher.fetch(f"http://shop.example:{server.port}/")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "location", ["http://[1/x.jpg", "//[", "http://shop.example:x/", "https://shop.example:99999/"]
)
def test_a_redirect_to_what_is_no_url_is_refused(serve: Any, location: str) -> None:
    server, fetcher = serve(reply("302 Found", b"", f"Location: {location}"))
    with pytest.raises(FetchRefused) as refused:
        fetcher.fetch(f"http://shop.example:{server.port}/")
    assert (refused.value.reason, len(server.asked)) == ("bad_url", 1)


def test_a_connection_that_cannot_be_wrapped_is_closed(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[socket.socket] = []
    connect = socket.create_connection

    def kept(*args: Any, **options: Any) -> socket.socket:
        opened.append(connect(*args, **options))
        return opened[-1]

    class Unwilling(ssl.SSLContext):
        def wrap_socket(self, *args: Any, **options: Any) -> Any:
            raise ssl.SSLError("no cipher in common with oneself")

    monkeypatch.setattr(socket, "create_connection", kept)
    server, fetcher = serve(b"", tls=None)
    wary = PhotoFetcher(fetcher.resolve, fetcher.refusal, fetcher.ports, Unwilling(ssl.PROTOCOL_TLS_CLIENT))
    with pytest.raises(FetchFailed, match="broke off"):
        wary.fetch(f"https://shop.example:{server.port}/")
    assert [one.fileno() for one in opened] == [-1]


def test_redirects_are_bounded(serve: Any, settings: Any) -> None:
    settings.FETCH_MAX_REDIRECTS = 2
    server, fetcher = serve(reply("302 Found", b"", "Location: /again"))
    with pytest.raises(FetchRefused, match="more than 2 redirects") as refused:
        fetcher.fetch(f"http://shop.example:{server.port}/")
    assert (refused.value.reason, len(server.asked)) == ("redirects", 3)


@pytest.mark.parametrize("announced", [True, False])
def test_a_photo_that_is_too_large_is_not_read_to_its_end(serve: Any, settings: Any, announced: bool) -> None:
    settings.MAX_PHOTO_BYTES = 1000
    sent: list[int] = []

    def endless(stream: socket.socket, request: bytes) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 99999999\r\n\r\n" if announced else b"\r\n"))
        while True:
            stream.sendall(b"x" * 65536)
            sent.append(1)

    server, fetcher = serve(endless)
    with pytest.raises(FetchRefused) as refused:
        fetcher.fetch(f"http://shop.example:{server.port}/")
    assert refused.value.reason == "too_large"
    assert len(sent) < 1000


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("404 Not Found", FetchRefused),
        ("403 Forbidden", FetchRefused),
        ("204 No Content", FetchRefused),
        ("429 Too Many", FetchFailed),
        ("503 Busy", FetchFailed),
    ],
)
def test_what_may_pass_and_what_may_not(serve: Any, status: str, error: type[Exception]) -> None:
    server, fetcher = serve(reply(status))
    with pytest.raises(error, match=status[:3]):
        fetcher.fetch(f"http://shop.example:{server.port}/")


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_an_answer_that_breaks_off_may_pass(serve: Any, answer: bytes) -> None:
    server, fetcher = serve(answer)
    with pytest.raises(FetchFailed, match="broke off"):
        fetcher.fetch(f"http://shop.example:{server.port}/")


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Slow: "])
def test_a_server_that_drips_is_cut_off_in_time(serve: Any, start: bytes) -> None:
    """Every byte would start a socket's own time-out anew."""

    def drip(stream: socket.socket, request: bytes) -> None:
        stream.sendall(start)
        while True:
            stream.sendall(b"x")
            time.sleep(0.05)

    server, fetcher = serve(drip, seconds=0.5)
    began = time.monotonic()
    with pytest.raises(FetchFailed, match=r"not done after 0\.5 s"):
        fetcher.fetch(f"http://shop.example:{server.port}/")
    assert time.monotonic() - began < 5


def test_nobody_listening_may_pass(serve: Any) -> None:
    _, fetcher = serve(b"")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(FetchFailed, match="does not answer"):
        PhotoFetcher(fetcher.resolve, fetcher.refusal, [port]).fetch(f"http://shop.example:{port}/")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def contexts(authority: trustme.CA, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


def test_tls_is_checked_against_the_name_and_not_the_address(serve: Any, authority: trustme.CA) -> None:
    of_server, of_client = contexts(authority, "shop.example")
    names: list[str | None] = []
    of_server.sni_callback = lambda stream, name, context: names.append(name)
    server, fetcher = serve(reply("200 OK", b"photo"), tls=of_server)
    trusting = PhotoFetcher(fetcher.resolve, fetcher.refusal, fetcher.ports, of_client)
    assert trusting.fetch(f"https://shop.example:{server.port}/") == b"photo"
    assert names == ["shop.example"]
    with pytest.raises(FetchRefused, match="does not prove who it is") as refused:
        trusting.fetch(f"https://other.example:{server.port}/")
    assert refused.value.reason == "tls"
    with pytest.raises(FetchRefused, match="does not prove who it is"):
        fetcher.fetch(f"https://shop.example:{server.port}/")


def test_a_handshake_that_never_ends_is_cut_off_in_time(serve: Any) -> None:
    server, fetcher = serve(lambda stream, request: time.sleep(5), seconds=0.4)
    with pytest.raises(FetchFailed, match="broke off"):
        fetcher.fetch(f"https://shop.example:{server.port}/")
